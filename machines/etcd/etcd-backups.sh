#!/bin/bash
# etcd-backups.sh [--here]: what snapshots there are, as JSON: on this machine and, without --here, in the places off it.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib settings backup-copies backup-record; do . "$folder/$part.sh"; done

# place_listing REMOTE:FOLDER: {"snapshots": [...]} of every member, or {"problem": "..."}.
place_listing() {
    local seen
    if seen=$(names_at "$1" 2>&1); then
        described <<<"$seen" | jq '{snapshots: .}'
    else
        tail -n 2 <<<"$seen" | without_secrets | jq --raw-input --slurp '{problem: .}'
    fi
}

places='{}'
if [ "${1:-}" != --here ]; then
    for entry in "${PLACES[@]}"; do
        places=$(jq --null-input --argjson old "$places" --arg name "${entry%% *}" \
            --argjson listing "$(place_listing "${entry%% *}:${entry#* }")" '$old + {($name): $listing}')
    done
fi
status=$(cat "$BACKUPS/.status" 2>/dev/null) || status='{}'
# No folder yet: no snapshots yet.
{ find "$BACKUPS" -maxdepth 1 -name '*.json' -exec cat {} + 2>/dev/null || true; } |
    jq --slurp --arg member "$NAME" --argjson now "$EPOCHSECONDS" --argjson interval "$((60 * BACKUP_MINUTES))" \
        --argjson status "$status" --argjson places "$places" \
        '{member: $member, now: $now, interval: $interval, status: $status, snapshots: sort_by(.time), places: $places}'
