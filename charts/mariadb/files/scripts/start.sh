#!/bin/bash
# Starts the server with the data that prepare.sh has made. Its environment and arguments contain no password.
set -euo pipefail
source "$(dirname "$0")/replication.sh"

[ -d "$data/mysql" ] || fail "$data has no database"
write_client_options
write_accounts
if is_primary; then
  # Only the primary waits for replicas: with this option a replica would wait for replicas of its own.
  role=(--read-only=OFF --rpl-semi-sync-master-enabled="$SEMI_SYNC")
else
  # If the server started replication itself, it would delete what the replica has received but not applied.
  note_received '?'
  role=(--read-only=ON --skip-slave-start)
fi
"$(dirname "$0")/passwords.sh" follow &
exec docker-entrypoint.sh mariadbd --server-id="$(server_id)" --report-host="$MEMBER_NAME" --init-file="$accounts_file" \
  "${role[@]}" "$@"
