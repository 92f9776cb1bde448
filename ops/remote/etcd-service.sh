#!/bin/bash
# On an etcd machine, as root: `stop` or `start` the member. Starting ends when it has joined the others or given up.
set -euo pipefail
case $1 in
stop | start) timeout 100 systemctl "$1" etcd ;;
*) echo "stop or start, not $1" >&2; exit 2 ;;
esac
