#!/bin/bash
# Starts the server on data that prepare.sh has made. No password is in its environment or arguments.
set -euo pipefail
# shellcheck source=charts/mariadb/files/scripts/library.sh
source "$(dirname "$0")/library.sh"

[ -d "$data/mysql" ] || fail "$data holds no database"
write_client_options
write_accounts
role=(--read-only=ON)
# Only the primary waits for replicas: a replica with this switch would wait for replicas of its own.
! is_primary || role=(--read-only=OFF --rpl-semi-sync-master-enabled="$SEMI_SYNC")
"$(dirname "$0")/passwords.sh" follow &
exec docker-entrypoint.sh mariadbd --server-id="$(server_id)" --report-host="$MEMBER_NAME" --init-file="$accounts_file" \
  "${role[@]}" "$@"
