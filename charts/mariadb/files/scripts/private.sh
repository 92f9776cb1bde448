#!/bin/bash
# A server without a network that makes data in data.new, with the image's entrypoint or from a dump.
source "$(dirname "${BASH_SOURCE[0]}")/library.sh"

new=$data.new
private_server=(--datadir="$new" --skip-networking --socket="$private_socket" --pid-file="$private_pid_file"
  --server-id="$(server_id)" --read-only=OFF --skip-slave-start --rpl-semi-sync-master-enabled=OFF)
server_process=
trap '[ -z "$server_process" ] || kill -TERM "$server_process" 2>/dev/null || true' EXIT

# Runs a query as root of the private server. Root has no password until the copy is complete and the server restarts.
private_query() {
  mariadb --no-defaults --user=root --socket="$private_socket" --batch --skip-column-names "$@"
}

# wait_for_private_server CLIENT...: waits until the started process itself answers, not a temporary one before it.
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

# First start of a release: the image's entrypoint makes the data.
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

# Starts an empty server without a password, which `load` fills.
install_empty() {
  mkdir -m 0700 "$new"
  mariadb-install-db --datadir="$new" --auth-root-authentication-method=normal --skip-test-db --rpm >"$run/install.log" ||
    fail "mariadb-install-db: $(tail -n 20 "$run/install.log")"
  mariadbd "${private_server[@]}" &
  server_process=$!
  wait_for_private_server private_query
  private_query --execute='RESET MASTER'
}

# Loads a dump from standard input into the empty server, without the binary log.
load() {
  private_query --init-command='SET SESSION sql_log_bin = 0' --max-allowed-packet=1G
}

# copy_from HOST PORT: copies everything from another member, including users and the GTID position, to an empty server.
copy_from() {
  log "copying the data of $1"
  install_empty
  dump_member "$1" "$2" | load || fail "copying the data of $1 failed"
  log "copied up to GTID $(copied_position)"
}

copied_position() {
  private_query --execute='SELECT @@gtid_slave_pos'
}

# begin_at POSITION: lets the binary log continue from there, so that members at that position and later copies can follow.
begin_at() {
  private_query --execute='RESET MASTER'
  [[ $1 != *-* ]] || private_query --execute="SET GLOBAL gtid_binlog_state = $(quote "$1")"
}

# Sets the Secret's passwords, whatever they were when the dump was made.
set_passwords() {
  local statements
  statements=$(accounts) || exit 1
  private_query <<SQL
SET SESSION sql_log_bin = 0;
FLUSH PRIVILEGES;
$statements
SQL
}
