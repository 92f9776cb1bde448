#!/usr/bin/env bash
# interrupt-stalled-up.sh EVENT-LOG SECONDS PID: interrupts a stalled `pulumi up`. PID is the shell that runs pulumi.
# The official command plugin has neither keep-alives nor cancellation. If a machine dies during a step and no gateway in
# front of it notices, the `up` would never end. Steps write a line every minute, so a silent event log means a stall.
set -Eeuo pipefail
log=$1 limit=$2 shell=$3 pause=${4:-5}
signals=0
while kill -0 "$shell" 2>/dev/null; do
    sleep "$pause"
    [ -e "$log" ] || continue
    silent=$(($(date +%s) - $(stat --format=%Y "$log")))
    if ((silent < limit * (signals + 1))); then
        continue
    fi
    if ((signals == 0)); then
        echo "pulumi up: no event for $silent s; interrupting it, the next pulumi up continues from here" >&2
    fi
    # The first signal lets the engine write its state. The second one stops what ignores the first.
    pkill -INT --parent "$shell" --exact pulumi || exit 0
    signals=$((signals + 1))
done
