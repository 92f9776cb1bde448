#!/bin/bash
# On an etcd machine, as root: the health of every member as JSON. An unhealthy member is an entry, not a failure.
set -euo pipefail
set -a
# shellcheck source=/dev/null
source /etc/etcd/etcdctl.env
set +a
health=$(etcdctl endpoint health --command-timeout 5s --write-out json) || true
[ -n "$health" ] || { echo "etcdctl gave no answer" >&2; exit 1; }
printf '%s\n' "$health"
