#!/bin/bash
# Gives this member its data before its server starts: once, and again after a restore.
#
# Data is made in data.new by a server without a network and becomes `data` by one rename, so `data` is always whole.
# A data.new that an interrupted run left behind has never accepted a write from outside.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=charts/mariadb/files/scripts/library.sh
source "$here/library.sh"
# shellcheck source=charts/mariadb/files/scripts/members.sh
source "$here/members.sh"
# shellcheck source=charts/mariadb/files/scripts/api.sh
source "$here/api.sh"
# shellcheck source=charts/mariadb/files/scripts/private.sh
source "$here/private.sh"

replaced=$data.replaced
# Which restore the data is from, empty for none: a file of the data itself, so that both change by the same rename.
generation_file=openstack-paas-generation
# More than any release commits while its clocks stand wrong.
readonly generation_step=$((1 << 32))

# follow_primary: a copied member follows the primary from the copy's position on.
follow_primary() {
  local secret
  secret=$(password replication-password)
  begin_at "$(private_query --execute='SELECT @@gtid_slave_pos')"
  private_query <<SQL
CHANGE MASTER TO MASTER_HOST = $(quote "$PRIMARY_HOST"), MASTER_PORT = $PRIMARY_PORT,
  MASTER_USER = $(quote "$REPLICATION_USERNAME"), MASTER_PASSWORD = $(quote "$secret"),
  MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 2;
SQL
}

# number_after POSITION: a GTID number that was never given to a transaction which this copy does not have: nanoseconds
# since 1970, because no server commits that fast. So two copies of the same position differ too.
number_after() {
  local last=${1##*-} now
  now=$(date +%s%N)
  if [ "$now" -gt "${last:-0}" ]; then printf '%s' "$now"; else printf '%s' "$((last + generation_step))"; fi
}

# lead_from POSITION: a primary made from a copy goes on counting there.
lead_from() {
  private_query <<'SQL'
RESET SLAVE ALL;
SET GLOBAL gtid_slave_pos = '';
SQL
  begin_at "$1"
}

# jump NUMBER: the next transaction, which changes nothing, gets that number. Members at the position before it follow
# through the jump; one that has come further stops with error 1236, instead of taking the transactions that get the
# numbers of its own for those that it has.
jump() {
  private_query --execute="SET SESSION gtid_seq_no = $1; FLUSH PRIVILEGES"
  log "goes on with GTID number $1"
}

copied_position() {
  private_query --execute='SELECT @@gtid_slave_pos'
}

# wait_for_primary: until it answers root; it may still be making its own data.
wait_for_primary() {
  local answer deadline=$((SECONDS + COPY_TIMEOUT_SECONDS)) reported=
  until [ -z "$(remembered source)" ] && answer=$(member_query "$PRIMARY_HOST" "$PRIMARY_PORT" 'SELECT 1' 2>&1); do
    [ -z "$(remembered source)" ] || answer="a backup is being restored into it"
    [[ $answer != *"Access denied"* ]] || fail "$PRIMARY_HOST refuses the root password of the Secret"
    [ "$SECONDS" -lt "$deadline" ] || fail "$PRIMARY_HOST gave no answer in $COPY_TIMEOUT_SECONDS s: $answer"
    [ "$answer" = "$reported" ] || log "waiting for the primary: $answer"
    reported=$answer
    sleep 1
  done
}

# A backup, loaded by a server at the remembered address, becomes the primary's data.
restore_primary() {
  local source position
  source=$(remembered source)
  log "restoring $(remembered generation) from $source; the data before it stays until the new data is whole"
  position=$(member_position "$source") || exit 1
  [ -n "$position" ] || fail "$source, which has loaded the backup, does not answer: run the restore again"
  copy_from "$source" 3306
  # Every replica is copied anew, so nobody follows from before.
  lead_from "0-$(server_id)-$(number_after "$(copied_position)")"
  stop_private_server
}

# The primary's volume is empty: a new release, or a lost volume.
prepare_primary() {
  local source position
  source=$(furthest_member)
  if [ -n "$source" ]; then
    log "the volume is empty but $source has data: rebuilding the primary from it"
    align_members "$source"
    copy_from "$source" 3306
    position=$(copied_position)
    lead_from "$position"
    jump "$(number_after "$position")"
    stop_private_server
  elif [ -n "$(remembered initialised)" ]; then
    fail "the volume is empty, this release has had data since $(remembered initialised), and no replica answers:" \
      "an empty database would take its place. Bring a replica back (this pod keeps looking), or restore a backup." \
      "To begin with an empty database, and lose what was there, remove the key initialised from ConfigMap" \
      "$MEMBER_NAMESPACE/$MEMBER_SET-state and delete this pod"
  else
    initialise
  fi
}

prepare_data() {
  if ! is_primary; then
    wait_for_primary
    copy_from "$PRIMARY_HOST" "$PRIMARY_PORT"
    follow_primary
    stop_private_server
  elif [ -n "$(remembered source)" ]; then
    restore_primary
  else
    prepare_primary
  fi
  printf '%s' "$wanted" >"$new/$generation_file"
  # The server reads it to root's client (LOAD_FILE) only if everybody may; the folder keeps others out.
  chmod 0644 "$new/$generation_file"
  sync -f "$volume"
  if [ -d "$data" ]; then
    rm -rf "$replaced"
    mv -T "$data" "$replaced"
  fi
  mv -T "$new" "$data"
  sync -f "$volume"
  rm -rf "$replaced"
  log "data is ready"
}

trap '[ -z "$server_process" ] || kill -TERM "$server_process" 2>/dev/null || true' EXIT
write_client_options
if is_primary; then publish_role primary; else publish_role replica; fi
# The run that made the new data was interrupted between two renames.
if [ -d "$replaced" ] && [ ! -d "$data" ]; then mv -T "$replaced" "$data"; fi
wanted=$(remembered generation)
if [ -d "$data" ] && [ "$(cat "$data/$generation_file" 2>/dev/null || true)" = "$wanted" ]; then
  log "data is there already"
else
  if is_primary && [ -d "$data" ] && [ -z "$(remembered source)" ]; then
    fail "this volume holds data that is not of restore ${wanted:-none}, which the release remembers: restore again"
  fi
  [ ! -e "$new" ] || log "an earlier preparation was interrupted: starting anew"
  rm -rf "$new"
  prepare_data
fi
if is_primary; then remember_data; fi
