#!/bin/bash
# restore.sh [OPTION...]: loads the backup $BACKUP into a separate server, which then serves it to the primary.
#
# This proves that the backup is usable before any data is replaced. The server ends with its pod.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=charts/mariadb/files/scripts/library.sh
source "$here/library.sh"
# shellcheck source=charts/mariadb/files/scripts/private.sh
source "$here/private.sh"

# shellcheck source=charts/mariadb/files/scripts/s3.sh
source "$here/s3.sh"

dump=$backups/$BACKUP.sql.gz record=$backups/$BACKUP.record
trap '[ -z "$server_process" ] || kill -TERM "$server_process" 2>/dev/null || true' EXIT
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
begin_at "$(private_query --execute='SELECT @@gtid_slave_pos')"
set_passwords
stop_private_server
mv -T "$new" "$data"
log "serving $BACKUP"
exec docker-entrypoint.sh mariadbd --server-id="$(server_id)" --read-only=ON --skip-slave-start "$@"
