#!/usr/bin/env bash
# Removes the lock of a Pulumi that no longer lives (killed, or the machine lost power) from a local state backend.
# A lock of a living Pulumi stays, and `up` then says who holds it.
set -Eeuo pipefail
[[ ${PULUMI_BACKEND_URL:-} == file://* ]] || exit 0
folder=${PULUMI_BACKEND_URL#file://}/.pulumi/locks
[ -d "$folder" ] || exit 0
while IFS= read -r -d '' lock; do
    pid=$(sed -nE 's/.*"pid" *: *([0-9]+).*/\1/p' "$lock")
    host=$(sed -nE 's/.*"hostname" *: *"([^"]*)".*/\1/p' "$lock")
    [ "$host" = "$(hostname)" ] || continue
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != pulumi ]; then
        echo "unlock: the Pulumi that locked this stack (process $pid) is gone; removing its lock"
        rm -f "$lock"
    fi
done < <(find "$folder" -type f -name '*.json' -print0)
