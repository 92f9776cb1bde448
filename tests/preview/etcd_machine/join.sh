#!/bin/bash
# shellcheck disable=SC2034,SC2153,SC2154
# Does what converge does for membership, without packages and users.
folder=$ROOT/bundle
# shellcheck source=/dev/null
for part in lib services settings membership membership-changes; do . "$folder/$part.sh"; done
mkdir -p "$STATE" "$DATA"
current_step=membership
if ! systemctl is-active etcd.service >/dev/null; then
    rm -f "$STATE/initial"
    decide_start "$STATE/initial" 20 20
    if [ -s "$STATE/initial" ]; then
        mkdir -p "$ROOT/etc/etcd"
        cp "$STATE/initial" "$ROOT/etc/etcd/initial.env"
    fi
    systemctl start etcd.service
fi
retry_until 60 "etcd to answer with a majority" member_works
: >"$WAS_MEMBER"
release_membership
let_leavers_go
