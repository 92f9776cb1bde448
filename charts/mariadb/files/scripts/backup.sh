#!/bin/bash
# Makes one backup: a dump of everything from a replica that follows, or else from the primary. It is verified, recorded
# and kept by tiers.
#
# NAME.sql.gz is the dump and NAME.record its description. A file ending in .new is an incomplete dump.
set -euo pipefail
here=$(dirname "$0")
source "$here/members.sh"
source "$here/api.sh"
source "$here/s3.sh"
source "$here/keep.sh"

name=$(date -u +%Y%m%dT%H%M%SZ)
problem="it was interrupted"

# Publishes all records, one per line, and the result of the last attempt. Neither contains quotes.
publish_backups() {
  local record lines='' failure=null message
  for record in "$backups"/*.record; do
    [ ! -e "$record" ] || lines+="$(<"$record") $([ -e "${record%.record}.copied" ] && printf s3 || printf -- -)\\n"
  done
  message=$(tr -cd '[:alnum:] .,:/()_-' <<<"$1")
  [ -z "$message" ] || failure="\"$name $message\""
  publish "state: ${1:-backup $name}" "configmaps/$MEMBER_SET-backups" "{\"data\":{\"list\":\"$lines\",\"failure\":$failure}}"
}

finish() {
  local status=$?
  [ "$status" = 0 ] || publish_backups "$problem" || true
}

broken() {
  problem=$*
  fail "$@"
}

# The most advanced replica that follows, or the primary when none does.
source_host() {
  local number host position best='' best_sequence=-1 count
  count=$(<"$member_count")
  for ((number = 1; number < count; number++)); do
    host=$(member_host "$number")
    follows "$host" || continue
    position=$(member_query "$host" 3306 'SELECT @@gtid_current_pos')
    if [ "${position##*-}" -gt "$best_sequence" ]; then best=$host best_sequence=${position##*-}; fi
  done
  printf '%s' "${best:-$(member_host 0)}"
}

# Reads the dump back and checks that it ends with the line that says it is complete.
check() {
  local last
  last=$(gzip -dc "$1" | tail -n 1) || broken "the dump cannot be read back"
  [[ $last == "-- Dump completed on "* ]] || broken "the dump is incomplete"
}

# Copies every backup that is not in the bucket yet. The record goes last, so that a record there means a whole backup.
copy_off() {
  local record each suffix answer
  [ -n "$S3_ENDPOINT" ] || return 0
  for record in "$backups"/*.record; do
    each=$(basename "$record" .record)
    [ ! -e "$backups/$each.copied" ] || continue
    for suffix in sql.gz record; do
      answer=$(s3 PUT "$each.$suffix" "$backups/$each.$suffix") || broken "cannot copy $each to the bucket: $answer"
    done
    : >"$backups/$each.copied"
    log "$each: copied to the bucket"
  done
}

# Fetches the records of backups that only the bucket has, for example after the loss of the volume. So they are listed,
# can be restored, and are kept by tiers.
adopt() {
  local listing=$run/s3.list key each answer after='' last=''
  [ -n "$S3_ENDPOINT" ] || return 0
  while true; do
    answer=$(s3 LIST "$after" "$listing") || broken "cannot list the bucket: $answer"
    while read -r key; do
      last=${key#"${S3_PATH#*/}/"} each=${last%.record}
      [[ $last =~ ^[0-9]{8}T[0-9]{6}Z\.record$ && ! -e $backups/$last ]] || continue
      answer=$(s3 GET "$last" "$backups/$each.new") || broken "cannot fetch $last from the bucket: $answer"
      # Others may write to the bucket, so check the record before it becomes part of the list.
      [[ $(<"$backups/$each.new") =~ ^$each\ [0-9]+\ [0-9a-f]+\ [0-9a-z,-]+\ [0-9a-z-]+\ [0-9]+$ ]] ||
        { log "$last in the bucket is not a valid record"; continue; }
      : >"$backups/$each.copied"
      mv "$backups/$each.new" "$backups/$last"
      log "$each: found in the bucket"
    done < <(grep -o '<Key>[^<]*</Key>' "$listing" | sed -E 's|</?Key>||g')
    if [ "$last" = "$after" ] || ! grep -q '<IsTruncated>true</IsTruncated>' "$listing"; then break; fi
    after=$last
  done
}

trap finish EXIT
write_client_options
exec 9>"$backups/.lock"
flock -n 9 || broken "another backup is running"
# Names are times, so wait when there is a backup from the same second.
while [ -e "$backups/$name.record" ]; do
  sleep 0.2
  name=$(date -u +%Y%m%dT%H%M%SZ)
done
find "$backups" -maxdepth 1 -name '*.new' -delete
# A dump without a record may be incomplete.
for dump in "$backups"/*.sql.gz; do
  [ ! -e "$dump" ] || [ -e "${dump%.sql.gz}.record" ] || rm -f "$dump"
done
host=$(source_host)
log "backup $name from $host"
dump_member "$host" 3306 2>"$run/dump.log" | gzip -c >"$backups/$name.new" ||
  broken "the dump of $host failed: $(tail -n 1 "$run/dump.log")"
check "$backups/$name.new"
checksum=$(sha256sum <"$backups/$name.new")
position=$(gzip -dc "$backups/$name.new" | grep -m 1 -o "^SET GLOBAL gtid_slave_pos='[^']*'" | cut -d "'" -f 2 || true)
sync -f "$backups"
mv "$backups/$name.new" "$backups/$name.sql.gz"
printf '%s %s %s %s %s %s\n' "$name" "$(stat -c %s "$backups/$name.sql.gz")" "${checksum%% *}" "${position:-none}" \
  "${host%%.*}" "$SECONDS" >"$backups/$name.new"
mv "$backups/$name.new" "$backups/$name.record"
sync -f "$backups"
prune
copy_off
adopt
publish_backups ''
