#!/bin/bash
# Starts the server on data that prepare.sh has made. No password is in its environment or arguments.
set -euo pipefail
# shellcheck source=charts/mariadb/files/scripts/library.sh
source "$(dirname "$0")/library.sh"

[ -d "$data/mysql" ] || fail "$data holds no database"
write_client_options
read_only=ON
! is_primary || read_only=OFF
exec docker-entrypoint.sh mariadbd --server-id=$((100 + $(ordinal))) --report-host="$MEMBER_NAME" \
  --read-only="$read_only" "$@"
