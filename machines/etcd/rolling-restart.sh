# shellcheck shell=bash
# Changes for which a member that works has to restart (options, unit, CA, version, epoch): one member at a time in the
# whole cluster, only while all others are healthy. Sourced after membership-changes.sh and maintenance.sh.

readonly UNIT=${ROOT:-}/etc/systemd/system/etcd.service
# What etcd reads when it starts, and not again. New certificates and keys it reads at the next connection, a new CA not.
readonly READ_AT_START=("${ROOT:-}/etc/etcd/etcd.env" "${ROOT:-}/etc/etcd/initial.env" "$UNIT" "$PKI/ca.crt")
# How long a member may take from its restart until it is as good as before.
WELL_SECONDS=${WELL_SECONDS:-120}
was_member=false
at_work=false

# refuse_etcd_jump FROM: etcd goes up, by one minor version at a time (https://etcd.io/docs/v3.6/upgrades/).
refuse_etcd_jump() {
    [ "$(printf '%s\n' "$1" "$ETCD_VERSION" | sort --version-sort | sed -n 1p)" = "$1" ] \
        || fail "this member has etcd $1 and $ETCD_VERSION is asked for: etcd does not go back here. Set etcd.version to $1," \
            "or restore a snapshot into a new platform"
    (($(minor_of "$ETCD_VERSION") - $(minor_of "$1") <= 1)) \
        || fail "this member has etcd $1 and $ETCD_VERSION is asked for: that skips a minor version. Bring up the newest" \
            "${1%%.*}.$(($(minor_of "$1") + 1)) first"
}

# plan_member_change: first of all. On a machine that has been a member the package waits for this member's turn.
plan_member_change() {
    local installed
    [ ! -e "$WAS_MEMBER" ] || was_member=true
    if [ ! -e "$UNIT" ] || ! has_data; then
        return 0
    fi
    at_work=true
    DEFERRED=(etcd)
    installed=$(archive_version)
    installed=${installed:-$(plain_version etcd)}
    [ -z "$installed" ] || refuse_etcd_jump "$installed"
}

# serves: this member answers with a majority behind it.
serves() { systemctl is-active --quiet etcd.service && etcdctl_at "https://$ADDRESS:2379" endpoint health >/dev/null 2>&1; }

# member_changes: in words, why this member has to restart; empty when it has not.
member_changes() {
    local words
    words=$(what_waits)
    if is_outdated etcd.service "${READ_AT_START[@]}"; then
        words+="${words:+, }what etcd reads when it starts"
    fi
    echo "$words"
}

# snapshot_before_upgrade: once for each pair of versions; to go back, it is among the backups. The control
# planes wait for all of etcd's steps, so there is one before any of them changes.
snapshot_before_upgrade() {
    local target="Kubernetes $KUBERNETES_VERSION with etcd $ETCD_VERSION" before
    before=$(cat "$STATE/upgrade-target" 2>/dev/null) || before=
    [ "$before" != "$target" ] || return 0
    if $was_member; then
        log "a snapshot before ${before:+$before becomes }$target"
        timeout --kill-after=10 600 "$folder/etcd-backup.sh" --reason upgrade --no-copies \
            || fail "nothing is upgraded without a snapshot (see above); etcd serves as before"
    fi
    printf '%s\n' "$target" >"$STATE/upgrade-target"
}

# refuse_half_upgraded: the members before this one may have gone no further than the last upgrade.
refuse_half_upgraded() {
    local seen
    seen=$(curl --silent --show-error --fail --noproxy '*' --max-time 5 --cacert "$PKI/ca.crt" --cert "$PKI/client.crt" \
        --key "$PKI/client.key" "https://$ADDRESS:2379/version" | jq --raw-output .etcdcluster) \
        || fail "cannot read the cluster's version from this member"
    (($(minor_of "$ETCD_VERSION") - $(minor_of "$seen") <= 1)) \
        || fail "the cluster is at $seen, and $ETCD_VERSION skips a minor version: bring all members to the one between first"
}

give_lead_away() {
    local other
    leads "https://$ADDRESS:2379" || return 0
    # awk reads to the end: a writer whose reader has gone fails.
    other=$(etcdctl_at "https://$ADDRESS:2379" member list --write-out simple |
        awk -F ', ' -v own="https://$ADDRESS:2380" '
            $2 == "started" && $4 != own && $6 == "false" { other = $1 }
            END { print other }')
    if [ -n "$other" ] && etcdctl_at "https://$ADDRESS:2379" move-leader "$other" >/dev/null 2>&1; then
        log "gave the lead to $other"
    else
        # An election follows when it stops, which takes some 1 s longer.
        log "the lead was not to be given away"
    fi
}

# index_of_others: how far the others' log goes.
index_of_others() { etcdctl_at "$1" endpoint status --write-out json | jq '[.[].Status.raftIndex] | max'; }

# is_well INDEX: it works, votes, and has everything up to INDEX.
is_well() {
    member_works || return 1
    etcdctl_at "https://$ADDRESS:2379" endpoint status --write-out json 2>/dev/null |
        jq --raw-output --exit-status --argjson index "$1" '.[0].Status
            | if .isLearner then "it is a learner" | halt_error(1)
              elif .raftAppliedIndex < $index then "it has applied \(.raftAppliedIndex) of \($index)" | halt_error(1)
              else "well" end'
}

# change_member_in_turn: the lock is the one for changes of the membership: none of those goes on at the same time. It is held at
# the other members, so it outlives this one's restart.
change_member_in_turn() {
    local change others index=0 begin
    current_unit=etcd.service
    change=$(member_changes)
    if ! $at_work || [ -z "$change" ]; then
        return 0
    fi
    fetch_packages
    others=$(other_endpoints)
    if [ -n "$others" ]; then
        log "to be changed when it is this member's turn: $change"
        # Not under the lock: one of them may be about to join.
        retry_until "$STAYING_SECONDS" "all members to be healthy, none is changed before ($change)" all_stay
        hold_membership "$others"
        retry_until 30 "all members to be healthy, none is changed before ($change)" all_stay
    else
        log "the only member, the API does without etcd while it restarts: $change"
    fi
    refuse_half_upgraded
    change_packages
    renew_packages
    give_lead_away
    begin=${EPOCHREALTIME/./}
    restart_service etcd.service "${READ_AT_START[@]}"
    if [ -n "$others" ]; then
        retry_until 30 "the other members to report their revision" index_of_others "$others"
        index=$(index_of_others "$others")
    fi
    retry_until "$WELL_SECONDS" "this member to be well after its change ($change); the others serve, and none of them changes" \
        is_well "$index"
    log "well again $(((${EPOCHREALTIME/./} - begin) / 1000)) ms after its restart began: $change"
    end_epoch
    release_membership
}
