#!/bin/bash
# Decides which backups are kept: those that at least one tier keeps.
source "$(dirname "${BASH_SOURCE[0]}")/library.sh"

# tier COUNT FORMAT: prints the names that a tier keeps: the newest of each of the newest COUNT periods. Reads names from
# standard input, the newest first.
tier() {
  local count=$1 format=$2 each period last=''
  while read -r each && [ "$count" -gt 0 ]; do
    period=$(date -u -d "${each:0:8} ${each:9:2}:${each:11:2}" "+$format")
    [ "$period" != "$last" ] || continue
    printf '%s\n' "$each"
    last=$period count=$((count - 1))
  done
}

prune() {
  local names kept each
  names=$(find "$backups" -maxdepth 1 -name '*.record' -printf '%f\n' | sed 's/\.record$//' | sort -r)
  kept=$(
    head -n "$KEEP_LAST" <<<"$names"
    tier "$KEEP_HOURLY" %Y%m%d%H <<<"$names"
    tier "$KEEP_DAILY" %Y%m%d <<<"$names"
    tier "$KEEP_WEEKLY" %G%V <<<"$names"
  )
  while read -r each; do
    ! grep -qx "$each" <<<"$kept" || continue
    if [ -e "$backups/$each.copied" ] && [ -n "$S3_ENDPOINT" ]; then
      # Delete the copy in the bucket first, because only the files here say that it exists.
      { s3 DELETE "$each.record" && s3 DELETE "$each.sql.gz"; } >"$run/delete.log" ||
        { log "$each stays: cannot delete it from the bucket: $(<"$run/delete.log")"; continue; }
    fi
    rm -f "$backups/$each.record" "$backups/$each.sql.gz" "$backups/$each.copied"
    log "$each: no tier keeps it"
  done <<<"$names"
}
