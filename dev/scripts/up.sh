#!/usr/bin/env bash
# Runs `pulumi up` for the selected stack without questions, then proves that the platform works. Source environment.sh
# first.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
log=${EVENT_LOG:-$OPENSTACK_PAAS_CACHE/events-$(pulumi stack --show-name).jsonl}
rm -f "$log"
python -m ops recover
started=$SECONDS
# 1200 s is longer than any silent step: a Helm release may take 600 s, a machine's boot 300 s.
dev/scripts/interrupt-stalled-up.sh "$log" 1200 $$ &
watch=$!
trap 'kill "$watch" 2>/dev/null || true' EXIT
# The event log needs debug commands to be enabled. `ops explain` and `ops timeline` read it.
if PULUMI_DEBUG_COMMANDS=1 pulumi up --yes --skip-preview --non-interactive --parallel 32 --suppress-outputs --event-log "$log" "$@"; then
    echo "pulumi up: $((SECONDS - started)) s"
else
    status=$?
    echo "pulumi up: failed after $((SECONDS - started)) s" >&2
    python -m ops explain "$log" --cluster "$(pulumi stack --show-name)" >&2 || true
    exit "$status"
fi
python -m ops proof
