#!/bin/bash
# On an etcd machine, as root: `stop` or `start` the member; starting ends when it has joined the others or given up.
# `lose` kills it and takes its data away, as a lost disk would; `forget` removes what was taken. The data is moved, not
# deleted: if no restore works, a person still has it.
set -euo pipefail
lost=/var/lib/etcd/drill-lost
case $1 in
stop | start) timeout 100 systemctl "$1" etcd ;;
lose)
    systemctl kill --signal=KILL etcd
    timeout 60 systemctl stop etcd
    rm -rf "$lost"
    mkdir "$lost"
    mv /var/lib/etcd/member "$lost/"
    ;;
forget) rm -rf "$lost" ;;
*) echo "stop, start, lose or forget, not $1" >&2; exit 2 ;;
esac
