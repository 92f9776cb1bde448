#!/usr/bin/env bash
# Starts to compile, in the background, the Kubernetes release to which the lab's tests upgrade; with DRILLS=1 all
# releases in settings/versions.py. The compilation ends by itself.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
log=${OPENSTACK_PAAS_CACHE:-$HOME/.cache/openstack-paas}/mirror/logs/compile-ahead.log
mkdir -p "$(dirname "$log")"
setsid --fork /usr/bin/python3 -m dev.lab.mirror --ahead ${DRILLS:+all} >"$log" 2>&1 </dev/null
