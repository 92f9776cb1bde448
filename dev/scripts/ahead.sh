#!/usr/bin/env bash
# Starts to compile, in the background, the release of Kubernetes to which the lab's tests go up; for the long tests all
# releases of the table. It ends by itself.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
log=${OPENSTACK_PAAS_CACHE:-$HOME/.cache/openstack-paas}/mirror/logs/ahead.log
mkdir -p "$(dirname "$log")"
setsid --fork /usr/bin/python3 -m dev.lab.mirror.ahead ${DRILLS:+--all} >"$log" 2>&1 </dev/null
