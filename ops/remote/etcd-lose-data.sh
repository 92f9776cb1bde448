#!/bin/bash
# On an etcd machine, as root: `lose` kills etcd and takes its data away, as a lost disk would; `forget` removes what was
# taken. The data is moved, not deleted: if no restore works, a person still has it.
set -euo pipefail
lost=/var/lib/etcd/drill-lost
case $1 in
lose)
    systemctl kill --signal=KILL etcd
    timeout 60 systemctl stop etcd
    rm -rf "$lost"
    mkdir "$lost"
    mv /var/lib/etcd/member "$lost/"
    ;;
forget) rm -rf "$lost" ;;
*) echo "lose or forget, not $1" >&2; exit 2 ;;
esac
