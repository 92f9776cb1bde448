#!/bin/bash
# Stand-in for the entrypoint of the official image docker.io/library/mariadb, for an image built from Debian's
# mariadb-server. Same interface for what it honours:
#   MARIADB_ROOT_PASSWORD, MARIADB_ROOT_HOST, MARIADB_DATABASE, MARIADB_USER, MARIADB_PASSWORD,
#   MARIADB_REPLICATION_USER, MARIADB_REPLICATION_PASSWORD, MARIADB_MASTER_HOST, MARIADB_MASTER_PORT,
#   each also as NAME_FILE, and /docker-entrypoint-initdb.d/*.{sh,sql,sql.gz}.
# The official image's other ways to set passwords and its automatic upgrade are refused; time zone tables are not loaded.
# Data that exists is never touched.
set -euo pipefail
shopt -s nullglob

note() { printf '%s [Note] [Entrypoint stand-in]: %s\n' "$(date -u +%FT%TZ)" "$*"; }
fail() { printf '%s [ERROR] [Entrypoint stand-in]: %s\n' "$(date -u +%FT%TZ)" "$*" >&2; exit 1; }

readonly settings=(ROOT_PASSWORD ROOT_HOST DATABASE USER PASSWORD REPLICATION_USER REPLICATION_PASSWORD
  MASTER_HOST MASTER_PORT)
readonly refused=(ROOT_PASSWORD_HASH PASSWORD_HASH REPLICATION_PASSWORD_HASH ALLOW_EMPTY_ROOT_PASSWORD
  RANDOM_ROOT_PASSWORD MYSQL_LOCALHOST_USER AUTO_UPGRADE)
declare -A setting

# Takes each MARIADB_<name> or the content of MARIADB_<name>_FILE, and removes both from the server's environment.
read_settings() {
  local name variable file
  for name in "${settings[@]}"; do
    variable=MARIADB_$name file=MARIADB_${name}_FILE
    if [ -n "${!variable:-}" ] && [ -n "${!file:-}" ]; then fail "$variable and $file exclude each other"; fi
    setting[$name]=${!variable:-}
    if [ -n "${!file:-}" ]; then
      [ -r "${!file}" ] || fail "$file: cannot read ${!file}"
      setting[$name]=$(<"${!file}")
    fi
    unset "$variable" "$file"
  done
  for name in "${refused[@]}"; do
    variable=MARIADB_$name file=MARIADB_${name}_FILE
    [ -z "${!variable:-}${!file:-}" ] || fail "$variable is not honoured by this stand-in"
  done
  : "${setting[ROOT_HOST]:=%}" "${setting[MASTER_PORT]:=3306}"
}

# server_setting NAME COMMAND...: the value that the server would use, options and files taken together.
server_setting() {
  local name=$1
  shift
  "$@" --verbose --help 2>/dev/null |
    awk -v name="$name" '$1 == name && /^[^ \t]/ { sub(/^[^ \t]+[ \t]+/, ""); value = value ? value : $0 } END { print value }'
}

literal() {
  local value=${1//\\/\\\\}
  printf "'%s'" "${value//\'/\\\'}"
}

identifier() {
  local tick=$'\x60'
  printf '%s%s%s' "$tick" "${1//$tick/$tick$tick}" "$tick"
}

# The statements that the settings ask for. Those on root stay out of the binary log, as in the official image.
first_statements() {
  local root user
  root=$(literal "${setting[ROOT_PASSWORD]}")
  printf 'SET SESSION sql_log_bin = 0;\n'
  printf "DROP USER IF EXISTS root@'127.0.0.1', root@'::1';\n"
  printf "EXECUTE IMMEDIATE CONCAT('DROP USER IF EXISTS root@', QUOTE(@@hostname));\n"
  printf 'ALTER USER root@localhost IDENTIFIED BY %s;\n' "$root"
  if [ "${setting[ROOT_HOST]}" != localhost ]; then
    printf 'CREATE USER root@%s IDENTIFIED BY %s;\n' "$(literal "${setting[ROOT_HOST]}")" "$root"
    printf 'GRANT ALL ON *.* TO root@%s WITH GRANT OPTION;\n' "$(literal "${setting[ROOT_HOST]}")"
  fi
  printf 'SET SESSION sql_log_bin = 1;\n'
  if [ -n "${setting[DATABASE]}" ]; then
    printf 'CREATE DATABASE IF NOT EXISTS %s;\n' "$(identifier "${setting[DATABASE]}")"
  fi
  if [ -n "${setting[USER]}" ]; then
    [ -n "${setting[PASSWORD]}" ] || fail "MARIADB_USER needs MARIADB_PASSWORD"
    user="$(literal "${setting[USER]}")@'%'"
    printf 'CREATE USER %s IDENTIFIED BY %s;\n' "$user" "$(literal "${setting[PASSWORD]}")"
    # An underscore in GRANT is a wildcard for one character.
    [ -z "${setting[DATABASE]}" ] ||
      printf 'GRANT ALL ON %s.* TO %s;\n' "$(identifier "${setting[DATABASE]//_/\\_}")" "$user"
  fi
  [ -n "${setting[REPLICATION_USER]}" ] || return 0
  [ -n "${setting[REPLICATION_PASSWORD]}" ] || fail "MARIADB_REPLICATION_USER needs MARIADB_REPLICATION_PASSWORD"
  if [ -z "${setting[MASTER_HOST]}" ]; then
    user="$(literal "${setting[REPLICATION_USER]}")@'%'"
    printf 'CREATE USER %s IDENTIFIED BY %s;\n' "$user" "$(literal "${setting[REPLICATION_PASSWORD]}")"
    printf 'GRANT REPLICATION REPLICA ON *.* TO %s;\n' "$user"
  else
    printf 'CHANGE MASTER TO MASTER_HOST = %s, MASTER_PORT = %s, MASTER_USER = %s, MASTER_PASSWORD = %s, %s;\n' \
      "$(literal "${setting[MASTER_HOST]}")" "${setting[MASTER_PORT]}" "$(literal "${setting[REPLICATION_USER]}")" \
      "$(literal "${setting[REPLICATION_PASSWORD]}")" 'MASTER_CONNECT_RETRY = 10'
    printf 'START REPLICA;\n'
  fi
}

# The root client of the temporary server. The password goes through a file descriptor, not through an argument.
root_client() {
  mariadb --defaults-extra-file=<(printf '[client]\npassword="%s"\n' "$client_password") \
    --user=root --protocol=socket --socket="$socket" "$@"
}

run_file() {
  note "running $1"
  case $1 in
    *.sh) if [ -x "$1" ]; then "$1"; else bash "$1"; fi ;;
    *.sql) root_client --database="${setting[DATABASE]}" <"$1" ;;
    *.sql.gz) gunzip -c "$1" | root_client --database="${setting[DATABASE]}" ;;
    *) note "ignoring $1" ;;
  esac
}

# initialise COMMAND...: makes the data folder with a temporary server that nobody else can reach.
initialise() {
  local file deadline=$((SECONDS + 120))
  [ -n "${setting[ROOT_PASSWORD]}" ] || fail "the database is not initialised and MARIADB_ROOT_PASSWORD is not set"
  note "initialising $datadir"
  mariadb-install-db --datadir="$datadir" --rpm --auth-root-authentication-method=normal --skip-test-db \
    --skip-log-bin >/dev/null
  "$@" --skip-networking --socket="$socket" --expire-logs-days=0 &
  server=$!
  trap 'kill -TERM "$server" 2>/dev/null || true' EXIT
  client_password=
  until root_client <<<'SELECT 1' >/dev/null 2>&1; do
    kill -0 "$server" 2>/dev/null || fail "the temporary server ended"
    [ "$SECONDS" -lt "$deadline" ] || fail "the temporary server did not answer within 120 s"
    sleep 0.2
  done
  first_statements | root_client --database=mysql --binary-mode
  client_password=${setting[ROOT_PASSWORD]//\\/\\\\}
  client_password=${client_password//\"/\\\"}
  for file in /docker-entrypoint-initdb.d/*; do run_file "$file"; done
  kill -TERM "$server"
  wait "$server" || fail "the temporary server did not stop cleanly"
  trap - EXIT
  note "initialised"
}

# A first argument that is an option belongs to the server.
case ${1:-mariadbd} in
  -*) set -- mariadbd "$@" ;;
  mariadbd | mysqld) set -- mariadbd "${@:2}" ;;
  *) exec "$@" ;;
esac

datadir=$(server_setting datadir "$@")
socket=$(server_setting socket "$@")
mkdir -p "$datadir" "${socket%/*}"
if [ "$(id -u)" = 0 ]; then
  # As root: hand the folders over and start again as the user mysql.
  chown -R mysql: "$datadir" "${socket%/*}"
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
fi
read_settings
[ -d "$datadir/mysql" ] || initialise "$@"
exec "$@"
