#!/usr/bin/env bash
# Measures an `up` from nothing on the lab: destroy, up, then a table and a picture of the timeline in docs/pictures/.
# Source environment.sh first.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dev/scripts/destroy.sh
export EVENT_LOG=$OPENSTACK_PAAS_CACHE/bench.jsonl
dev/scripts/up.sh
state=$(mktemp)
trap 'rm -f "$state"' EXIT
pulumi stack export >"$state"
python -m ops timeline "$EVENT_LOG" --state "$state" --svg docs/pictures/timeline.svg --title "pulumi up of the lab, from nothing"
echo "picture: docs/pictures/timeline.svg"
