#!/bin/bash
# Gives this member its data, once, before its server starts.
#
# Data is made in data.new by a server without a network and becomes `data` by one rename, so `data` is always whole:
# it is never touched here, and a data.new that an interrupted run left behind has never accepted a write from outside.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=charts/mariadb/files/scripts/library.sh
source "$here/library.sh"
# shellcheck source=charts/mariadb/files/scripts/role.sh
source "$here/role.sh"

new=$data.new
private_server=(--datadir="$new" --skip-networking --socket="$private_socket" --pid-file="$private_pid_file"
  --server-id=$((100 + $(ordinal))) --read-only=OFF --skip-slave-start)
server_process=

# Root of the private server; has no password until the copy is complete and the server has started again.
private_query() {
  mariadb --no-defaults --user=root --socket="$private_socket" --batch --skip-column-names "$@"
}

# wait_for_private_server CLIENT...: until the started process itself (not a temporary one before it) answers.
wait_for_private_server() {
  local deadline=$((SECONDS + 300))
  until [ "$(cat "$private_pid_file" 2>/dev/null)" = "$server_process" ] && "$@" <<<'SELECT 1' >/dev/null 2>&1; do
    kill -0 "$server_process" 2>/dev/null || fail "the server that prepares the data ended; its messages are above"
    [ "$SECONDS" -lt "$deadline" ] || fail "the server that prepares the data did not answer within 300 s"
    sleep 0.2
  done
}

stop_private_server() {
  kill -TERM "$server_process"
  wait "$server_process" || fail "the server that prepares the data did not stop cleanly"
  server_process=
}

# First start of a release: the image's own entrypoint makes the data.
initialise() {
  log "initialising a new database"
  mkdir -m 0700 "$new"
  (
    export MARIADB_ROOT_PASSWORD_FILE=$passwords/root-password
    export MARIADB_REPLICATION_USER=$REPLICATION_USERNAME
    export MARIADB_REPLICATION_PASSWORD_FILE=$passwords/replication-password
    export MARIADB_DATABASE=$INITIAL_DATABASE
    if [ -n "$INITIAL_USERNAME" ]; then
      export MARIADB_USER=$INITIAL_USERNAME MARIADB_PASSWORD_FILE=$passwords/password
    fi
    exec docker-entrypoint.sh mariadbd "${private_server[@]}"
  ) &
  server_process=$!
  wait_for_private_server mariadb --defaults-file="$client_options" --socket="$private_socket"
  stop_private_server
}

# copy_from HOST PORT: everything of another member, users included, and its GTID position, into an empty server.
copy_from() {
  log "copying the data of $1"
  mkdir -m 0700 "$new"
  mariadb-install-db --datadir="$new" --auth-root-authentication-method=normal --skip-test-db --rpm >"$run/install.log" ||
    fail "mariadb-install-db: $(tail -n 20 "$run/install.log")"
  mariadbd "${private_server[@]}" &
  server_process=$!
  wait_for_private_server private_query
  private_query --execute='RESET MASTER'
  # The position table is the new server's own: the dump sets it by its position, not by its rows.
  timeout "$COPY_TIMEOUT_SECONDS" mariadb-dump --defaults-file="$client_options" --protocol=tcp \
    --host="$1" --port="$2" --all-databases --single-transaction --quick --master-data=1 --gtid \
    --routines --events --triggers --hex-blob --max-allowed-packet=1G --ignore-table=mysql.gtid_slave_pos |
    private_query --init-command='SET SESSION sql_log_bin = 0' --max-allowed-packet=1G ||
    fail "copying the data of $1 broke off"
  log "copied up to GTID $(private_query --execute='SELECT @@gtid_slave_pos')"
}

# A copied member follows the primary from the copy's position on.
follow_primary() {
  local secret
  secret=$(password replication-password)
  private_query <<SQL
CHANGE MASTER TO MASTER_HOST = $(quote "$PRIMARY_HOST"), MASTER_PORT = $PRIMARY_PORT,
  MASTER_USER = $(quote "$REPLICATION_USERNAME"), MASTER_PASSWORD = $(quote "$secret"),
  MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 2;
SQL
}

# A primary rebuilt from a replica goes on counting where the replica stands, so that the replicas follow it again.
lead_from_copy() {
  private_query <<'SQL'
SET @position = @@gtid_slave_pos;
RESET SLAVE ALL;
SET GLOBAL gtid_slave_pos = '';
RESET MASTER;
EXECUTE IMMEDIATE CONCAT('SET GLOBAL gtid_binlog_state = ', QUOTE(@position));
SQL
}

# wait_for_primary: until it answers root; it may still be making its own data.
wait_for_primary() {
  local answer deadline=$((SECONDS + COPY_TIMEOUT_SECONDS)) reported=
  until answer=$(member_query "$PRIMARY_HOST" "$PRIMARY_PORT" 'SELECT 1' 2>&1); do
    [[ $answer != *"Access denied"* ]] || fail "$PRIMARY_HOST refuses the root password of the Secret"
    [ "$SECONDS" -lt "$deadline" ] || fail "$PRIMARY_HOST gave no answer in $COPY_TIMEOUT_SECONDS s: $answer"
    [ "$answer" = "$reported" ] || log "waiting for the primary: $answer"
    reported=$answer
    sleep 1
  done
}

# member_position HOST: the GTID position of a member that answers, nothing of one that is not there. That names cannot be
# looked up at all (-3) says nothing about the member: it is waited out.
member_position() {
  local answer deadline=$((SECONDS + 120))
  until answer=$(member_query "$1" 3306 'SELECT @@gtid_current_pos' 2>&1); do
    [[ $answer != *"Access denied"* ]] || fail "$1 has data and refuses the root password of the Secret"
    [[ $answer == *"(-3)"* ]] || return 0
    [ "$SECONDS" -lt "$deadline" ] || fail "cannot look up $1: $answer"
    sleep 1
  done
  printf '%s' "${answer:-0}"
}

# The living member that has come furthest, empty when none answers: its host name in the headless Service.
furthest_member() {
  local number host position best='' best_sequence=-1 count
  count=$(<"$member_count")
  for ((number = 0; number < count; number++)); do
    [ "$number" != "$(ordinal)" ] || continue
    host=$MEMBER_SET-$number.$MEMBER_DOMAIN
    position=$(member_position "$host") || exit 1
    if [ -n "$position" ] && [ "${position##*-}" -gt "$best_sequence" ]; then
      best=$host best_sequence=${position##*-}
    fi
  done
  printf '%s' "$best"
}

prepare_data() {
  local source
  if is_primary; then
    source=$(furthest_member)
    if [ -n "$source" ]; then
      log "the volume is empty but $source has data: rebuilding the primary from it"
      copy_from "$source" 3306
      lead_from_copy
      stop_private_server
    else
      initialise
    fi
  else
    wait_for_primary
    copy_from "$PRIMARY_HOST" "$PRIMARY_PORT"
    follow_primary
    stop_private_server
  fi
  sync -f "$volume"
  mv -T "$new" "$data"
  sync -f "$volume"
  log "data is ready"
}

trap '[ -z "$server_process" ] || kill -TERM "$server_process" 2>/dev/null || true' EXIT
write_client_options
if is_primary; then publish_role primary; else publish_role replica; fi
if [ -d "$data" ]; then
  log "data is there already"
else
  [ ! -e "$new" ] || log "an earlier preparation was interrupted: starting anew"
  rm -rf "$new"
  prepare_data
fi
