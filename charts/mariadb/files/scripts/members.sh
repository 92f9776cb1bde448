#!/bin/bash
# Asks the other members of the set over the network: which of them answer, their positions, and whether they follow.
source "$(dirname "${BASH_SOURCE[0]}")/library.sh"

# member_query HOST PORT SQL [OPTION...]: runs a query as root on another member.
member_query() {
  local host=$1 port=$2 statement=$3
  shift 3
  mariadb --defaults-file="$client_options" --protocol=tcp --host="$host" --port="$port" \
    --connect-timeout=3 --batch "${@:---skip-column-names}" --execute="$statement"
}

# dump_member HOST PORT: dumps everything, including users and the GTID position, at one point in time without a lock.
# The table with the position is left out, because it differs on each server: the position itself is set instead.
dump_member() {
  timeout "$COPY_TIMEOUT_SECONDS" mariadb-dump --defaults-file="$client_options" --protocol=tcp \
    --host="$1" --port="$2" --all-databases --single-transaction --quick --master-data=1 --gtid \
    --routines --events --triggers --hex-blob --max-allowed-packet=1G --ignore-table=mysql.gtid_slave_pos
}

member_host() {
  printf '%s-%s.%s' "$MEMBER_SET" "$1" "$MEMBER_DOMAIN"
}

# executes HOST: whether a thread that applies works on a transaction, and waits for neither the log nor a lock.
executes() {
  local threads
  threads=$(member_query "$1" 3306 "SELECT COUNT(*) FROM information_schema.processlist
    WHERE command IN ('Slave_SQL', 'Slave_worker') AND LOWER(state) NOT LIKE '%waiting%'") && [ "$threads" -gt 0 ]
}

# unapplied HOST: waits until a replica has applied everything that it has received, as long as it makes progress: its
# position moves, or it executes a transaction that takes long. When it makes none, prints the position up to which it has
# received, or `?` when it does not know: acknowledged commits may be among them.
unapplied() {
  local note status goal position last=none deadline=0
  while true; do
    note=$(member_query "$1" 3306 "SELECT IFNULL(LOAD_FILE('$received'), '')") || return 0
    status=$(member_query "$1" 3306 'SHOW SLAVE STATUS' --vertical) || return 0
    goal=${note:-$(field Gtid_IO_Pos <<<"$status")}
    [ -n "$goal" ] || return 0
    if [ "$goal" != '?' ] && [ "$(member_query "$1" 3306 "SELECT MASTER_GTID_WAIT('$goal', 1)")" = 0 ] && [ -z "$note" ]; then
      return 0
    fi
    # With both threads stopped this would delete the relay logs.
    if [ "$(field Slave_IO_Running <<<"$status")/$(field Slave_SQL_Running <<<"$status")" = Connecting/No ]; then
      member_query "$1" 3306 'START SLAVE SQL_THREAD' || return 0
    fi
    position=$(member_query "$1" 3306 'SELECT @@gtid_slave_pos') || return 0
    if [ "$position" != "$last" ]; then
      last=$position deadline=$((SECONDS + REBUILD_WAIT_SECONDS))
    elif [ "$SECONDS" -ge "$deadline" ]; then
      if executes "$1"; then
        log "$1 is at $position, has received transactions up to $goal and still applies the next one"
        deadline=$((SECONDS + REBUILD_WAIT_SECONDS))
        continue
      fi
      log "$1 is at $position, has received transactions up to $goal and does not apply them"
      printf '%s' "$goal"
      return
    fi
    sleep 0.5
  done
}

# member_position HOST: the GTID position of a member that answers, followed by the position up to which it has received
# transactions that it does not apply. Prints nothing for a member that does not answer. A failure of the name service
# itself (-3) says nothing about the member, so wait until it is over.
member_position() {
  local answer more deadline=$((SECONDS + 120))
  until answer=$(member_query "$1" 3306 'SELECT @@gtid_current_pos' 2>&1); do
    [[ $answer != *"Access denied"* ]] || fail "$1 has data and does not accept the root password of the Secret"
    [[ $answer == *"(-3)"* ]] || return 0
    [ "$SECONDS" -lt "$deadline" ] || fail "cannot look up $1: $answer"
    sleep 1
  done
  more=$(unapplied "$1")
  answer=$(member_query "$1" 3306 'SELECT IF(@@gtid_current_pos = "", 0, @@gtid_current_pos)') || return 0
  printf '%s %s' "$answer" "$more"
}

# furthest_member: the host name of the most advanced member that answers, or nothing when none does. A release that had
# data waits for members that do not answer: an acknowledged commit is on one replica, which may be the missing one. It
# does not continue without transactions that a member has received but does not apply.
furthest_member() {
  local number host position more best best_sequence missing held count reported='' deadline=$((SECONDS + REBUILD_WAIT_SECONDS))
  local -A behind
  count=$(<"$member_count")
  while true; do
    best='' best_sequence=-1 missing='' held='' behind=()
    for ((number = 0; number < count; number++)); do
      [ "$number" != "$(ordinal)" ] || continue
      host=$(member_host "$number")
      position=$(member_position "$host") || exit 1
      read -r position more <<<"$position" || true
      if [ -z "$position" ]; then
        missing+=" $host"
        continue
      fi
      [ -z "$more" ] || behind[$host]=$more
      if [ "${position##*-}" -gt "$best_sequence" ]; then best=$host best_sequence=${position##*-}; fi
    done
    for host in "${!behind[@]}"; do
      more=${behind[$host]}
      if [ "$more" = '?' ] || [ "${more##*-}" -gt "$best_sequence" ]; then held+=" $host (up to $more)"; fi
    done
    if [ -z "$missing$held" ] || [ -z "$(remembered initialised)" ] || [ "$SECONDS" -ge "$deadline" ]; then break; fi
    [ -z "$missing" ] || [ "$missing" = "$reported" ] || log "the volume is empty; waiting for members that do not answer:$missing"
    reported=$missing
    sleep 2
  done
  [ -z "$held" ] || fail "these members have received transactions that no other member has, and do not apply them:$held." \
    "SHOW SLAVE STATUS there says why. Fix that (this pod keeps trying), or give the transactions up: delete the member's claim and pod"
  [ -z "$best" ] || [ -z "$missing" ] || log "continuing without$missing: what only they have is lost"
  printf '%s' "$best"
}

# align_members FURTHEST: makes the other members that answer catch up from it, because the rebuilt primary's binary log
# begins at the end of its data and does not have what they miss.
align_members() {
  local number host position goal count
  count=$(<"$member_count")
  goal=$(member_position "$1")
  goal=${goal%% *}
  for ((number = 0; number < count; number++)); do
    host=$(member_host "$number")
    if [ "$number" = "$(ordinal)" ] || [ "$host" = "$1" ]; then continue; fi
    position=$(member_position "$host") || exit 1
    position=${position%% *}
    if [ -z "$position" ] || [ "$position" = "$goal" ]; then continue; fi
    log "$host is at $position and catches up with $1 at $goal"
    point_member "$host" "$1" 3306 "$goal" || log "$host did not catch up: copy it again if it does not follow"
    point_member "$host" "$PRIMARY_HOST" "$PRIMARY_PORT" '' || true
  done
}

# point_member REPLICA HOST PORT GOAL: makes the replica follow HOST and waits until it reaches GOAL, if given.
point_member() {
  local answer
  answer=$(member_query "$1" 3306 "STOP SLAVE; CHANGE MASTER TO MASTER_HOST = $(quote "$2"), MASTER_PORT = $3,
    MASTER_USE_GTID = slave_pos; START SLAVE; SELECT IF('$4' = '', 0, MASTER_GTID_WAIT('$4', 60))") && [ "$answer" = 0 ]
}

# follows HOST: whether a replica receives and applies transactions and is not too far behind.
follows() {
  local status lag
  status=$(member_query "$1" 3306 'SHOW SLAVE STATUS' --vertical 2>/dev/null) || return 1
  lag=$(field Seconds_Behind_Master <<<"$status")
  [ "$(field Slave_IO_Running <<<"$status")/$(field Slave_SQL_Running <<<"$status")" = Yes/Yes ] &&
    [[ $lag =~ ^[0-9]+$ ]] && [ "$lag" -le "$MAXIMUM_LAG_SECONDS" ]
}
