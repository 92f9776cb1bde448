#!/bin/bash
# On an etcd machine, as root: `members` or `status` of all members as JSON. A member that does not answer is left out of `status`.
set -euo pipefail
set -a
# shellcheck source=/dev/null
source /etc/etcd/etcdctl.env
set +a
case $1 in
members) etcdctl member list --command-timeout 5s --write-out json ;;
status)
    status=$(etcdctl endpoint status --dial-timeout 2s --command-timeout 2s --write-out json 2>/dev/null) || true
    [ -n "$status" ] || { echo "no member reports its status" >&2; exit 1; }
    printf '%s\n' "$status"
    ;;
*) echo "members or status, not $1" >&2; exit 2 ;;
esac
