#!/bin/bash
# Passwords of a database that exists follow the Secret: `follow` while the server runs, beside it; `await` until every
# member has taken them. A server takes them over by itself when it starts (start.sh).
#
# Each member changes its own accounts and writes none of it into its binary log, so that it depends on nobody. A replica
# logs in with a new password once the primary takes it.
set -uo pipefail
# shellcheck source=charts/mariadb/files/scripts/library.sh
source "$(dirname "$0")/library.sh"
# shellcheck source=charts/mariadb/files/scripts/members.sh
source "$(dirname "$0")/members.sh"
# shellcheck source=charts/mariadb/files/scripts/api.sh
source "$(dirname "$0")/api.sh"
# shellcheck source=charts/mariadb/files/scripts/replication.sh
source "$(dirname "$0")/replication.sh"

# takes_replication PASSWORD: whether the primary lets a replica in with it.
takes_replication() {
  (umask 077; printf '[client]\nuser = %s\npassword = %s\n' "$(quote "$REPLICATION_USERNAME")" "$(quote "$1")" >"$run/replication.cnf")
  mariadb --defaults-file="$run/replication.cnf" --protocol=tcp --host="$PRIMARY_HOST" --port="$PRIMARY_PORT" \
    --connect-timeout=3 --execute='SELECT 1' >/dev/null 2>&1
}

# follows_with PASSWORD: whether this replica logs in at the primary with it: the sixth line of its own notes.
follows_with() {
  local notes
  mapfile -t notes <"$data/master.info" 2>/dev/null || return 0
  [ "${#notes[@]}" -lt 6 ] || [ "${notes[5]}" = "$1" ]
}

# has_taken: whether all this member knows are the Secret's passwords.
has_taken() {
  [ "$(client_text)" = "$(<"$client_options")" ] && [ "$(accounts)" = "$(<"$accounts_file")" ] &&
    { is_primary || follows_with "$(password replication-password)"; }
}

# take: root still comes in with the password of before, or, after a change that was interrupted, with the new one.
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

# follow: as long as the server lives, whose process began this one. A replica's server has begun with its replication
# stopped, and so has one whose change of the password was interrupted: the note says so.
follow() {
  local server=$PPID
  until query <<<'SELECT 1' >/dev/null 2>&1 || ! kill -0 "$server" 2>/dev/null; do sleep 0.5; done
  while kill -0 "$server" 2>/dev/null; do
    has_taken || take || true
    is_primary || [ ! -e "$received" ] || begin_following || true
    sleep 3
  done
}

# refusing: the members that answer and do not let root in with the Secret's password, and replicas that do not follow. One
# that is away takes it over when it starts.
refusing() {
  local number host answer count
  count=$(<"$member_count")
  for ((number = 0; number < count; number++)); do
    host=$(member_host "$number")
    answer=$(member_query "$host" 3306 'SELECT 1' 2>&1) || true
    if [[ $answer == *"Access denied"* ]]; then
      printf '%s refuses the password; ' "$host"
    elif [ "$answer" != 1 ]; then
      [ "$number" != 0 ] || printf '%s does not answer: %s; ' "$host" "$answer"
    elif [ "$number" != 0 ] && ! follows "$host"; then
      printf '%s does not follow; ' "$host"
    fi
  done
}

# await REVISION: an annotation makes each kubelet look at once, which otherwise takes it a minute or more.
await() {
  local number count seen deadline=$((SECONDS + 240))
  count=$(<"$member_count")
  for ((number = 0; number < count; number++)); do
    patch "pods/$MEMBER_SET-$number" "$(printf '{"metadata":{"annotations":{"openstack-paas/passwords":"%s"}}}' "$1")" >/dev/null || true
  done
  until seen=$(refusing) && [ -z "$seen" ]; do
    [ "$SECONDS" -lt "$deadline" ] || fail "not all members have the Secret's passwords after 240 s: $seen they go on by themselves"
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
