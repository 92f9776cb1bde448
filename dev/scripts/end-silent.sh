#!/usr/bin/env bash
# Ends a `pulumi up` in which nothing happens any more: end-silent.sh EVENT-LOG SECONDS PID, which is the shell that runs pulumi.
# The official command plugin has neither keep-alives nor cancellation: a machine that dies in the middle of a step, without
# a gateway before it that notices, would hold the `up` for good. Steps say a word each minute, so silence is an end.
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
        echo "pulumi up: nothing has happened for $silent s; it is interrupted, the next one goes on from there" >&2
    fi
    # The first lets the engine write its state; the second ends what ignores that.
    pkill -INT --parent "$shell" --exact pulumi || exit 0
    signals=$((signals + 1))
done
