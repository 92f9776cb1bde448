#!/bin/bash
# Shared by the scripts of a member: names, messages, quoting, and the client's option file.
# shellcheck disable=SC2034  # the scripts that source this file use the names

volume=/var/lib/mariadb
data=$volume/data
run=/run/mysqld
passwords=/etc/mariadb-passwords
backups=/var/lib/mariadb-backups
member_count=/etc/mariadb-members/count
state=/etc/mariadb-state
# The position up to which a replica has received but not applied transactions (replication.sh). The file is with the data,
# so that the server can read it.
received=$data/openstack-paas-received
client_options=$run/client.cnf
accounts_file=$run/accounts.sql
# A server that makes the data. Only this pod can reach it: it never listens on the network.
private_socket=$run/private.sock
private_pid_file=$run/private.pid

log() {
  printf '%s %s: %s\n' "$(date -u +%FT%TZ)" "$MEMBER_NAME" "$*" >&2
}

fail() {
  log "FAILED: $*"
  exit 1
}

is_primary() {
  [ "$MEMBER_NAME" = "$PRIMARY_MEMBER" ]
}

# The member's number in its set: 0 for the first.
ordinal() {
  printf '%s' "${MEMBER_NAME##*-}"
}

# The server_id: 100 plus the member's number, or 99 for a server that is not a member.
server_id() {
  local number
  number=$(ordinal)
  if [[ $number =~ ^[0-9]+$ ]]; then printf '%s' "$((100 + number))"; else printf 99; fi
}

# field NAME: one field of SHOW SLAVE STATUS, read from standard input as "Name: value" lines.
field() {
  awk -v name="$1:" '$1 == name { $1 = ""; sub(/^ /, ""); print; exit }'
}

# remembered KEY: a value that the release keeps outside of its volumes (ConfigMap <release>-state), or nothing.
remembered() {
  [ ! -e "$state/$1" ] || printf '%s' "$(<"$state/$1")"
}

# password NAME: a password from its file, without a newline at the end.
password() {
  local content
  [ -r "$passwords/$1" ] || fail "the Secret has no key $1"
  content=$(<"$passwords/$1")
  [ -n "$content" ] || fail "key $1 of the Secret is empty"
  printf '%s' "$content"
}

# Quotes a value for an SQL string literal or an option file.
quote() {
  local value=${1//\\/\\\\}
  value=${value//$'\n'/\\n}
  value=${value//\"/\\\"}
  printf '"%s"' "$value"
}

# The client reads root's password from this file: never from an argument or the environment.
client_text() {
  local content
  content=$(password root-password) || return 1
  printf '[client]\nuser = root\npassword = %s\nsocket = %s/mysqld.sock\n' "$(quote "$content")" "$run"
}

# write_output FILE COMMAND: writes a file that only this user may read.
write_output() {
  local content
  content=$("$2") || exit 1
  (umask 077; printf '%s\n' "$content" >"$1.new")
  mv -f "$1.new" "$1"
}

write_client_options() {
  write_output "$client_options" client_text
}

# Statements that give this member's own accounts the Secret's passwords.
accounts() {
  local root replication
  root=$(password root-password) || return 1
  replication=$(password replication-password) || return 1
  printf 'SET SESSION sql_log_bin = 0;\nALTER USER IF EXISTS root@localhost IDENTIFIED BY %s, root@%s IDENTIFIED BY %s, %s@%s IDENTIFIED BY %s;\n' \
    "$(quote "$root")" "'%'" "$(quote "$root")" "$(quote "$REPLICATION_USERNAME")" "'%'" "$(quote "$replication")"
}

# A server reads these at its start before it accepts clients.
write_accounts() {
  write_output "$accounts_file" accounts
}
