#!/bin/bash
# restore.sh [OPTION...]: loads the backup $BACKUP into a separate server, which then serves it to the primary.
#
# This proves that the backup is usable before any data is replaced. The server ends with its pod.
set -euo pipefail
here=$(dirname "$0")
source "$here/private.sh"
source "$here/s3.sh"

dump=$backups/$BACKUP.sql.gz record=$backups/$BACKUP.record
write_client_options
if [ ! -e "$dump" ] && [ -n "$S3_ENDPOINT" ]; then
  log "$BACKUP is not on the volume: fetching it from the bucket"
  answer=$(s3 GET "$BACKUP.sql.gz" "$dump.new") || fail "cannot fetch $BACKUP from the bucket: $answer"
  answer=$(s3 GET "$BACKUP.record" "$record.new") || fail "cannot fetch the record of $BACKUP from the bucket: $answer"
  : >"$backups/$BACKUP.copied"
  mv "$dump.new" "$dump"
  mv "$record.new" "$record"
fi
[ -e "$record" ] || fail "there is no backup $BACKUP"
read -r _ _ checksum _ <"$record"
actual=$(sha256sum <"$dump")
[ "${actual%% *}" = "$checksum" ] || fail "$BACKUP has changed since it was taken: its checksum differs"
rm -rf "$new" "$data"
log "loading $BACKUP"
install_empty
gzip -dc "$dump" | load || fail "loading $BACKUP failed"
begin_at "$(copied_position)"
set_passwords
stop_private_server
mv -T "$new" "$data"
log "serving $BACKUP"
exec docker-entrypoint.sh mariadbd --server-id="$(server_id)" --read-only=ON --skip-slave-start "$@"
