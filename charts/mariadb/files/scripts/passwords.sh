#!/bin/bash
# Keeps the passwords of an existing database equal to the Secret's. `follow` runs beside the server; `await` waits until
# every member has adopted them. A server also adopts them when it starts (start.sh).
#
# Each member changes its own accounts without its binary log, so that it does not depend on others. A replica logs in with
# a new password once the primary accepts it.
set -uo pipefail
source "$(dirname "$0")/members.sh"
source "$(dirname "$0")/api.sh"
source "$(dirname "$0")/replication.sh"

# takes_replication PASSWORD: whether the primary accepts a replica with it.
takes_replication() {
  (umask 077; printf '[client]\nuser = %s\npassword = %s\n' "$(quote "$REPLICATION_USERNAME")" "$(quote "$1")" >"$run/replication.cnf")
  mariadb --defaults-file="$run/replication.cnf" --protocol=tcp --host="$PRIMARY_HOST" --port="$PRIMARY_PORT" \
    --connect-timeout=3 --execute='SELECT 1' >/dev/null 2>&1
}

# follows_with PASSWORD: whether this replica logs in at the primary with it, which is in the sixth line of master.info.
follows_with() {
  local notes
  mapfile -t notes <"$data/master.info" 2>/dev/null || return 0
  [ "${#notes[@]}" -lt 6 ] || [ "${notes[5]}" = "$1" ]
}

# has_taken: whether this member uses the Secret's passwords everywhere.
has_taken() {
  [ "$(client_text)" = "$(<"$client_options")" ] && [ "$(accounts)" = "$(<"$accounts_file")" ] &&
    { is_primary || follows_with "$(password replication-password)"; }
}

# take: adopts the passwords. Root still logs in with the previous password or, after an interrupted change, with the new
# one.
take() {
  local replication
  replication=$(password replication-password) || return 1
  if [ "$(accounts)" != "$(<"$accounts_file")" ] || [ "$(client_text)" != "$(<"$client_options")" ]; then
    query <<<'SELECT 1' >/dev/null 2>&1 || write_client_options
    accounts | query >/dev/null || return 1
    write_accounts
    write_client_options
    log "the accounts have the Secret's passwords"
  fi
  if ! is_primary && ! follows_with "$replication" && takes_replication "$replication"; then
    begin_following "MASTER_PASSWORD = $(quote "$replication")" || return 1
    log "following the primary with the Secret's password"
  fi
}

# follow: runs as long as the server, which is the parent process. A replica's server starts with replication stopped, and
# so does one after an interrupted change of the password: then the file $received exists.
follow() {
  local server=$PPID
  until query <<<'SELECT 1' >/dev/null 2>&1 || ! kill -0 "$server" 2>/dev/null; do sleep 0.5; done
  while kill -0 "$server" 2>/dev/null; do
    has_taken || take || true
    is_primary || [ ! -e "$received" ] || begin_following || true
    sleep 3
  done
}

# refusing: prints the members that do not accept the Secret's root password, and replicas that do not follow. A member
# that is down adopts the passwords when it starts.
refusing() {
  local number host answer count
  count=$(<"$member_count")
  for ((number = 0; number < count; number++)); do
    host=$(member_host "$number")
    answer=$(member_query "$host" 3306 'SELECT 1' 2>&1) || true
    if [[ $answer == *"Access denied"* ]]; then
      printf '%s does not accept the password; ' "$host"
    elif [ "$answer" != 1 ]; then
      [ "$number" != 0 ] || printf '%s does not answer: %s; ' "$host" "$answer"
    elif [ "$number" != 0 ] && ! follows "$host"; then
      printf '%s does not follow; ' "$host"
    fi
  done
}

# await REVISION: sets an annotation so that each kubelet updates the Secret at once, which otherwise takes a minute or
# more. Then waits until every member has adopted the passwords.
await() {
  local number count seen deadline=$((SECONDS + 240))
  count=$(<"$member_count")
  for ((number = 0; number < count; number++)); do
    patch "pods/$MEMBER_SET-$number" "$(printf '{"metadata":{"annotations":{"openstack-paas/passwords":"%s"}}}' "$1")" >/dev/null || true
  done
  until seen=$(refusing) && [ -z "$seen" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not all members have the Secret's passwords after 240 s: $seen they keep trying"
    sleep 2
  done
  log "every member that answers has the Secret's passwords"
}

case ${1:-} in
  follow) follow ;;
  await)
    write_client_options
    await "$2"
    ;;
  *) fail "follow or await, not '${1:-}'" ;;
esac
