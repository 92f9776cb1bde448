#!/bin/bash
# health.sh alive: checks that the server answers. health.sh ready: also checks that a replica follows closely enough.
set -euo pipefail
source "$(dirname "$0")/replication.sh"

if [ "${1:-alive}" = alive ] || is_primary; then
  query --execute='SELECT 1' >/dev/null
  exit 0
fi

if [ -e "$received" ]; then
  echo "applying what was received up to $(<"$received") before requesting more from the primary:" \
    "$(query --vertical --execute='SHOW SLAVE STATUS' | field Last_SQL_Error)"
  exit 1
fi
status=$(query --vertical --execute='SHOW SLAVE STATUS')
receiving=$(field Slave_IO_Running <<<"$status")
applying=$(field Slave_SQL_Running <<<"$status")
lag=$(field Seconds_Behind_Master <<<"$status")
if [ "$receiving" != Yes ] || [ "$applying" != Yes ]; then
  # MariaDB 10.11 may stop receiving without a reason here: when the primary's sender ends too late to report one.
  reasons="$(field Last_IO_Error <<<"$status") $(field Last_SQL_Error <<<"$status")"
  [ "$reasons" != ' ' ] || reasons='no reason is recorded here, the log of the primary may have it'
  echo "replication is not running: receiving ${receiving:-not set up}, applying ${applying:-not set up}; $reasons"
  exit 1
fi
if ! [[ $lag =~ ^[0-9]+$ ]] || [ "$lag" -gt "$MAXIMUM_LAG_SECONDS" ]; then
  echo "replication is $lag s behind; the limit is $MAXIMUM_LAG_SECONDS s"
  exit 1
fi
