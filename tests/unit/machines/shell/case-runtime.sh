#!/bin/bash
# containerd's and runc's packages change on a running node while it is drained, and are fetched before; the kubelet's wait
# for their own moment.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2153,SC2154
. "$(dirname "$0")/prelude.sh"
. "$SCRIPTS/common/lib.sh"
. "$SCRIPTS/common/services.sh"
. "$SCRIPTS/common/packages.sh"
EPOCH=
. "$SCRIPTS/common/maintenance.sh"
. "$SCRIPTS/kubernetes/containerd.sh"

calls=$ROOT/calls
call() { echo "$*" >>"$calls"; }
called() { [ ! -e "$calls" ] || tr '\n' ';' <"$calls"; rm -f "$calls"; }
fetch_packages() { call fetch; }
begin_change() { call "begin $1, $2"; }
install_wanted() { call "install $*"; }
renew_packages() { ! epoch_waits || call renew; }
restart_service() { call "restart $1"; }
containerd_answers() { :; }
find_missing() { :; }

at_work=false
waiting=(containerd=1.6.20~ds1-1+deb12u2 kubelet=1.35.0)
change_runtime
expect "a new node" "$(called)" ""
at_work=true
change_runtime >/dev/null
expect "running" "$(called)" "fetch;begin containerd 1.6.20~ds1-1+deb12u2, drained;install containerd=1.6.20~ds1-1+deb12u2;restart containerd.service;"
waiting=(kubelet=1.35.0)
change_runtime
expect "the kubelet alone" "$(called)" ""
waiting=()
EPOCH=two
mkdir -p "$STATE"
change_runtime >/dev/null
expect "an epoch" "$(called)" "fetch;begin the epoch two, drained;renew;restart containerd.service;"
change_runtime
expect "an epoch that is over" "$(called)" ""
