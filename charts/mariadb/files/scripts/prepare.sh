#!/bin/bash
# Makes this member's data before its server starts: once, and again after a restore.
#
# A server without a network makes the data in data.new. One rename turns it into `data`, which is therefore always
# complete. A data.new left by an interrupted run has never accepted a write from outside.
set -euo pipefail
here=$(dirname "$0")
source "$here/members.sh"
source "$here/api.sh"
source "$here/private.sh"

replaced=$data.replaced
# The restore that the data is from, empty for none. The file is part of the data, so that the same rename changes both.
generation_file=openstack-paas-generation
# More transactions than any release commits while its clocks are wrong.
readonly generation_step=$((1 << 32))

# follow_primary: makes a copied member follow the primary from the copy's position.
follow_primary() {
  local secret
  secret=$(password replication-password)
  begin_at "$(copied_position)"
  private_query <<SQL
CHANGE MASTER TO MASTER_HOST = $(quote "$PRIMARY_HOST"), MASTER_PORT = $PRIMARY_PORT,
  MASTER_USER = $(quote "$REPLICATION_USERNAME"), MASTER_PASSWORD = $(quote "$secret"),
  MASTER_USE_GTID = slave_pos, MASTER_CONNECT_RETRY = 2;
SQL
}

# number_after POSITION: a GTID number above every transaction that this copy does not have. It is the time in nanoseconds
# since 1970, because no server commits that fast. So two copies of the same position get different numbers.
number_after() {
  local last=${1##*-} now
  now=$(date +%s%N)
  if [ "$now" -gt "${last:-0}" ]; then printf '%s' "$now"; else printf '%s' "$((last + generation_step))"; fi
}

# lead_from POSITION: makes a primary from a copy that continues counting there.
lead_from() {
  private_query <<'SQL'
RESET SLAVE ALL;
SET GLOBAL gtid_slave_pos = '';
SQL
  begin_at "$1"
}

# jump NUMBER: gives this number to the next transaction, which changes nothing. Members at the previous position follow
# through the jump. A member with more transactions stops with error 1236. Otherwise it would mistake new transactions
# with the numbers of its own for those that it already has.
jump() {
  private_query --execute="SET SESSION gtid_seq_no = $1; FLUSH PRIVILEGES"
  log "continues with GTID number $1"
}

# wait_for_primary: waits until the primary answers root. It may still be making its own data.
wait_for_primary() {
  local answer deadline=$((SECONDS + COPY_TIMEOUT_SECONDS)) reported=
  until [ -z "$(remembered source)" ] && answer=$(member_query "$PRIMARY_HOST" "$PRIMARY_PORT" 'SELECT 1' 2>&1); do
    [ -z "$(remembered source)" ] || answer="a backup is being restored into it"
    [[ $answer != *"Access denied"* ]] || fail "$PRIMARY_HOST does not accept the root password of the Secret"
    [ "$SECONDS" -lt "$deadline" ] || fail "$PRIMARY_HOST did not answer within $COPY_TIMEOUT_SECONDS s: $answer"
    [ "$answer" = "$reported" ] || log "waiting for the primary: $answer"
    reported=$answer
    sleep 1
  done
}

# Replaces the primary's data by a backup, which a server at the recorded address has loaded.
restore_primary() {
  local source position
  source=$(remembered source)
  log "restoring $(remembered generation) from $source; the data before it stays until the new data is whole"
  position=$(member_position "$source") || exit 1
  [ -n "$position" ] || fail "$source, which has loaded the backup, does not answer: run the restore again"
  copy_from "$source" 3306
  # Every replica is copied again, so none follows from an earlier position.
  lead_from "0-$(server_id)-$(number_after "$(copied_position)")"
  stop_private_server
}

# Makes data for a primary with an empty volume: of a new release, or after the loss of the volume.
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
      "an empty database would take its place. Bring a replica back (this pod keeps trying), or restore a backup." \
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
  # LOAD_FILE needs a file that everyone may read. The folder keeps others out.
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

write_client_options
if is_primary; then publish_role primary; else publish_role replica; fi
# An earlier run was interrupted between the two renames.
if [ -d "$replaced" ] && [ ! -d "$data" ]; then mv -T "$replaced" "$data"; fi
wanted=$(remembered generation)
if [ -d "$data" ] && [ "$(cat "$data/$generation_file" 2>/dev/null || true)" = "$wanted" ]; then
  log "data already exists"
else
  if is_primary && [ -d "$data" ] && [ -z "$(remembered source)" ]; then
    fail "this volume has data that is not from restore ${wanted:-none}, which the release expects: restore again"
  fi
  [ ! -e "$new" ] || log "an earlier preparation was interrupted: starting again"
  rm -rf "$new"
  prepare_data
fi
if is_primary; then remember_data; fi
