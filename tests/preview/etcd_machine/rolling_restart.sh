#!/bin/bash
# shellcheck disable=SC2034,SC2153,SC2154
# Does what converge does for etcd on a new or a running machine, without the steps for the machine itself. $ROOT/package
# has the installed version. The test's apt-get only changes that file.
folder=$ROOT/bundle
# shellcheck source=/dev/null
for part in lib services settings packages maintenance membership membership-changes rolling-restart; do . "$folder/$part.sh"; done
eval "$(sed -n -e '/^start_member() {/,/^}/p' -e '/^wait_for_health() {/,/^}/p' "$folder/converge")"
# On a machine this also sets the owner.
install_file() { install -D "$1" "$ROOT$2"; }

mkdir -p "$STATE/applied" "$DATA"
PACKAGES=("etcd=$ETCD_VERSION")
step "version" plan_member_change
step "packages" find_missing
install_file "$folder/files/etcd.env" /etc/etcd/etcd.env
install_file "$folder/files/etcd.service" /etc/systemd/system/etcd.service
step "membership" start_member
step "health" wait_for_health
step "leavers" let_leavers_go
step "snapshot" snapshot_before_upgrade
step "turn" change_member_in_turn
