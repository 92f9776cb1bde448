#!/bin/bash
# On an etcd machine, as root: `health`, `members` or `status` of all members as JSON. An unhealthy member is an entry of
# `health`, not a failure; a member that does not answer is left out of `status`.
set -euo pipefail
set -a
# shellcheck source=/dev/null
source /etc/etcd/etcdctl.env
set +a
none="etcdctl gave no answer"
case $1 in
health) answer=$(etcdctl endpoint health --command-timeout 5s --write-out json) || true ;;
members) answer=$(etcdctl member list --command-timeout 5s --write-out json) ;;
status)
    none="no member reports its status"
    answer=$(etcdctl endpoint status --dial-timeout 2s --command-timeout 2s --write-out json 2>/dev/null) || true
    ;;
*) echo "health, members or status, not $1" >&2; exit 2 ;;
esac
[ -n "$answer" ] || { echo "$none" >&2; exit 1; }
printf '%s\n' "$answer"
