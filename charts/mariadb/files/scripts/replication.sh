#!/bin/bash
# Makes sure that a replica applies everything that it has received before anything deletes it.
#
# With GTIDs, START SLAVE and CHANGE MASTER delete the relay logs and request their content from the primary again. The logs
# may contain commits that this replica has acknowledged and that exist nowhere else once the primary's disk is lost. So the
# SQL thread first runs alone and applies them by their position in the files, which deletes only what is applied.
source "$(dirname "${BASH_SOURCE[0]}")/library.sh"

reported=

query() {
  mariadb --defaults-file="$client_options" --connect-timeout=3 --batch "${@:---skip-column-names}"
}

# note_received GTIDS: records the position up to which this replica has received but not applied transactions, `?` while
# that is unknown. A primary that is rebuilt reads the file with LOAD_FILE, so everyone must be allowed to read it. Without
# the file everything is applied.
note_received() {
  printf '%s' "$1" >"$received.new"
  chmod 0644 "$received.new"
  mv -f "$received.new" "$received"
}

# report MESSAGE: logs a message unless it is the same as the last one.
report() {
  [ "$*" = "$reported" ] || log "$*"
  reported=$*
}

# relay_events: prints the relay logs as text, each after a line with its name. A crash may have cut off the end of one.
# Everything before that counts, and the incomplete rest was never acknowledged.
relay_events() {
  local file
  while read -r file; do
    printf '\001%s\n' "${file##*/}"
    mariadb-binlog --no-defaults --base64-output=decode-rows "$data/$file" 2>"$run/relay.log" ||
      report "$file ends early: $(tail -n 1 "$run/relay.log")"
  done <"$data/mariadb-relay.index"
}

# unapplied_events POSITION: prints "FILE OFFSET GTIDS" for the complete transactions in the relay logs after that GTID
# position: where the first one begins, and the last one of each domain. Prints nothing when there are none.
unapplied_events() {
  awk -F '\t' -v applied="$1" '
    # Compares numbers with more digits than awk can calculate with.
    function later(one, other) {
      return length(one) > length(other) || (length(one) == length(other) && one "" > other "")
    }
    function count_group(  part) {
      split(group, part, "-")
      if (group != "" && later(part[3], done[part[1]])) {
        if (start == "") start = group_file " " group_offset
        last[part[1]] = group
      }
      group = ""
    }
    BEGIN {
      count = split(applied, positions, ",")
      for (i = 1; i <= count; i++) { split(positions[i], part, "-"); done[part[1]] = part[3] }
    }
    /^\001/ { file = substr($0, 2); next }
    /^# at [0-9]+$/ { offset = substr($0, 6); behind_offset = 1; ended = 0; next }
    $1 ~ /^#[0-9]+ +[0-9:]+ server id [0-9]+ +end_log_pos [0-9]+/ {
      if ($2 ~ /^GTID [0-9]+-[0-9]+-[0-9]+/ && behind_offset) {
        # The next transaction begins, so the previous one is complete.
        count_group()
        split($2, word, " ")
        group = word[2]; group_file = file; group_offset = offset; opening = 1; opened = 0
      } else {
        opening = 0
        ended = opened && $2 ~ /^Query/
        if ($2 ~ /^X[Ii][Dd] = / || ($2 ~ /^Query/ && !opened)) count_group()
      }
      behind_offset = 0
      next
    }
    opening && /^(START TRANSACTION|BEGIN|XA START)/ { opened = 1 }
    ended && /^(COMMIT|ROLLBACK)$/ { count_group() }
    { behind_offset = 0 }
    END {
      for (domain in last) goal = goal (goal == "" ? "" : ",") last[domain]
      if (goal != "") print start, goal
    }'
}

# apply_relay_logs: fails when they cannot be read or applied. Then they stay, and the next attempt continues from here.
apply_relay_logs() {
  local applied rest file offset goal status
  note_received '?'
  query <<<'STOP SLAVE' || return 1
  applied=$(query <<<'SELECT @@gtid_slave_pos') || return 1
  command -v mariadb-binlog >/dev/null || { report "the image has no mariadb-binlog to read relay logs with"; return 1; }
  rest=$(relay_events | unapplied_events "$applied") || return 1
  [ -n "$rest" ] || return 0
  read -r file offset goal <<<"$rest"
  note_received "$goal"
  report "at $applied, and has received up to $goal: applying that before requesting more from the primary"
  query <<<"CHANGE MASTER TO MASTER_USE_GTID = no, RELAY_LOG_FILE = '$file', RELAY_LOG_POS = $offset;
    START SLAVE SQL_THREAD" || return 1
  until [ "$(query <<<"SELECT MASTER_GTID_WAIT('$goal', 2)")" = 0 ]; do
    status=$(query --vertical <<<'SHOW SLAVE STATUS') || return 1
    if [ "$(field Slave_SQL_Running <<<"$status")" != Yes ]; then
      report "what was received up to $goal cannot be applied: $(field Last_SQL_Error <<<"$status")"
      return 1
    fi
  done
  query <<<'STOP SLAVE' || return 1
  report "has applied what it had received, up to $goal"
}

# begin_following [CLAUSE]: makes this replica follow the primary, with an additional clause of CHANGE MASTER if given.
begin_following() {
  apply_relay_logs || return 1
  query <<<"CHANGE MASTER TO MASTER_HOST = $(quote "$PRIMARY_HOST"), MASTER_PORT = $PRIMARY_PORT,
    ${1:+$1,} MASTER_USE_GTID = slave_pos; START SLAVE" || return 1
  rm -f "$received"
}
