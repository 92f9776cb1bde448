# shellcheck shell=bash
# Changes of the membership, one at a time in the whole cluster, each after a snapshot: this machine joins, and members
# leave that the settings do not name any more. Sourced after membership.sh.

readonly MEMBERSHIP_LOCK=openstack-paas/membership
# How long etcd may refuse a removal. It does for some 5 s after each change, until its members have talked for a while.
REFUSAL_SECONDS=${REFUSAL_SECONDS:-30}
# How long it may refuse one more member. It does while another one is away or learns.
ADDING_SECONDS=${ADDING_SECONDS:-240}
# How long members that stay may take to be well before others leave: one of them may be about to join.
STAYING_SECONDS=${STAYING_SECONDS:-180}
# How long this machine waits for its turn.
LOCK_SECONDS=${LOCK_SECONDS:-500}
# What etcdctl says of a member that cannot help for the moment.
readonly PASSING='learner|leader|navailable|refused|timed out|deadline'
membership_lock=
lock_holder=

# hold_membership ENDPOINTS: waits for this machine's turn to change the membership. The lock lies in etcd; it ends with
# this run, however that ends, or 30 s after this machine does.
hold_membership() {
    local begin=$SECONDS
    [ -z "$membership_lock" ] || return 0
    until ask_for_lock "$1" $((begin + LOCK_SECONDS - SECONDS)); do
        release_membership
        # One of the endpoints may be a learner, which takes no lock, or lose its leader just now: the next try asks another.
        if ((SECONDS - begin >= LOCK_SECONDS)) || ! [[ $lock_holder =~ $PASSING ]]; then
            fail "the lock $MEMBERSHIP_LOCK in etcd was not to be had within $((SECONDS - begin)) s:" \
                "${lock_holder:-another change of the membership is running}"
        fi
        sleep 0.5
    done
    ((SECONDS - begin < 2)) || log "waited $((SECONDS - begin)) s for another change of the membership"
}

# ask_for_lock ENDPOINTS SECONDS: sets membership_lock, the process that holds it, and lock_holder, what runs meanwhile; where
# it is not to be had, lock_holder is what etcdctl said last.
ask_for_lock() {
    lock_holder=
    # shellcheck disable=SC2016  # for the other shell
    exec {lock_output}< <(exec etcdctl --endpoints "$1" --cacert "$PKI/ca.crt" --cert "$PKI/client.crt" \
        --key "$PKI/client.key" --dial-timeout 2s lock --ttl 30 -- "$MEMBERSHIP_LOCK" \
        bash -c 'echo "$$" && exec tail --pid "$0" --follow /dev/null' "$$" 2>&1 9>&-)
    membership_lock=$!
    at_exit release_membership
    local line end=$((SECONDS + $2))
    # What it has to say before is in lines of their own.
    while ((SECONDS < end)) && IFS= read -r -t $((end - SECONDS)) -u "$lock_output" line; do
        lock_holder=$line
        [[ ! $line =~ ^[0-9]+$ ]] || return 0
    done
    return 1
}

release_membership() {
    local process=$membership_lock
    membership_lock=
    [ -n "$process" ] || return 0
    # What runs under the lock ends, and etcdctl gives the lock back; one that still waits for it gets a signal.
    if [[ $lock_holder =~ ^[0-9]+$ ]]; then
        kill "$lock_holder" 2>/dev/null || true
    else
        kill "$process" 2>/dev/null || true
    fi
    exec {lock_output}<&-
    wait "$process" 2>/dev/null || true
}

# snapshot_before_change ADDRESS: a snapshot from the living member there, kept on this machine, which the change does not
# endanger. Whether there is one is the status.
snapshot_before_change() {
    [ -x "$folder/etcd-backup.sh" ] || return 0
    log "a snapshot before the membership changes"
    timeout --kill-after=10 300 "$folder/etcd-backup.sh" --reason membership --from "$1" --no-copies
}

# join_cluster ADDRESS: makes this machine a member, with no data yet, of the cluster that answers there. As a learner: it
# does not count for the majority until it has caught up. etcd itself refuses what would cost the majority. Until it
# votes nobody else changes the membership, and without a snapshot it goes on all the same: it brings a lost member back.
join_cluster() {
    local entry id
    hold_membership "$(other_endpoints)"
    entry=$(own_entry "https://$1:2379")
    id=${entry%%,*}
    # It publishes its client address once it has started.
    if [ -n "$entry" ] && [ -z "$(awk -F ', ' '{ print $5 }' <<<"$entry")" ]; then
        log "already listed as $id and never started: starting"
        return 0
    fi
    snapshot_before_change "$1" || log "no snapshot was taken (see above), the membership changes without one"
    if [ -n "$entry" ]; then
        log "removing $id, which was this machine before it lost its data"
        retry_until "$REFUSAL_SECONDS" "etcd to let go of the old member $id (peers: $(peers_seen))" \
            remove_member "https://$1:2379" "$id"
    fi
    add_member "$1"
}

# remove_member ENDPOINT ID: a request whose answer did not come in time may have been carried out.
remove_member() {
    local listed
    ! etcdctl_at "$1" member remove "$2" || return 0
    listed=$(etcdctl_at "$1" member list --write-out simple) || return 1
    ! grep -q "^$2," <<<"$listed"
}

# add_member ADDRESS: etcd takes nobody in while one of its members is away. Such a one may be waiting for its turn to be
# replaced, so between two attempts others have theirs. A request whose answer did not come may have been carried out.
add_member() {
    local seen begin=$SECONDS next_word=10
    until seen=$(etcdctl_at "https://$1:2379" member add "$NAME" --learner --peer-urls "https://$ADDRESS:2380" 2>&1); do
        if [ -n "$(own_entry "https://$1:2379" 2>/dev/null)" ]; then
            break
        fi
        if ((SECONDS - begin >= next_word)); then
            log "etcd does not take this machine as a member ($((SECONDS - begin)) s): $(tail -n 1 <<<"$seen")"
            next_word=$((next_word + 20))
        fi
        ((SECONDS - begin < ADDING_SECONDS)) \
            || fail "etcd did not take this machine as a member within $((SECONDS - begin)) s (peers: $(peers_seen)):" \
                "$(tail -n 1 <<<"$seen")"
        release_membership
        sleep 0.5
        hold_membership "$(other_endpoints)"
    done
    log "the cluster lists this machine as a learner"
}

# was_let_go: whether a living cluster does not list this machine, which has data: it has left, and its machine stayed.
was_let_go() {
    local entry
    [ -n "$cluster_peer" ] && entry=$(own_entry "https://$cluster_peer:2379") && [ -z "$entry" ]
}

set_data_aside() {
    local aside
    aside=$DATA/aside-left-$(date --utc +%Y%m%dT%H%M%SZ)
    mkdir -p "$aside"
    mv -T -- "$DATA/member" "$aside/member"
    log "the cluster of $cluster_peer does not list this machine: its old data is in $aside"
}

is_named() {
    local entry
    for entry in "${MEMBERS[@]}"; do
        [ "https://${entry#* }:2380" != "$1" ] || return 0
    done
    return 1
}

# leavers: the entries of members that the settings do not name, those that do not answer first: "id client name".
leavers() {
    local listed id name peer client sick='' well=''
    listed=$(etcdctl_at "https://$ADDRESS:2379" member list --write-out simple) || return 1
    while IFS=, read -r id _ name peer client _; do
        client=${client# }
        if is_named "${peer# }"; then
            continue
        elif [ -n "$client" ] && etcdctl_at "$client" endpoint health >/dev/null 2>&1; then
            well+="$id $client $name"$'\n'
        else
            sick+="$id ${client:-none} $name"$'\n'
        fi
    done <<<"$listed"
    printf '%s%s' "$sick" "$well"
}

# all_stay: whether every member that the settings name is a healthy voter: then the majority is theirs, whichever members leave.
all_stay() {
    local entry name address listed line='' good=true
    listed=$(etcdctl_at "https://$ADDRESS:2379" member list --write-out simple)
    for entry in "${MEMBERS[@]}"; do
        read -r name address <<<"$entry"
        line+="${line:+, }$name "
        if ! grep -qE "^[0-9a-f]+, started, .*, https://$address:2380, .*, false$" <<<"$listed"; then
            line+="no voter"
            good=false
        elif ! etcdctl_at "https://$address:2379" endpoint health >/dev/null 2>&1; then
            line+="not healthy"
            good=false
        else
            line+="healthy"
        fi
    done
    echo "$line"
    $good
}

# leads CLIENT: whether the member at that address is the leader.
leads() {
    etcdctl_at "$1" endpoint status --write-out fields 2>/dev/null | awk -F ' : ' '
        $1 == "\"MemberID\"" { own = $2 }
        $1 == "\"Leader\"" { leader = $2 }
        END { exit !(own != "" && own == leader) }'
}

# let_go ID CLIENT NAME
let_go() {
    local own
    if [ "$2" != none ] && leads "$2"; then
        own=$(own_entry "https://$ADDRESS:2379")
        # Without it an election follows, which takes longer.
        etcdctl_at "$2" move-leader "${own%%,*}" >/dev/null 2>&1 || log "${3:-$1} did not hand over its lead"
    fi
    retry_until "$REFUSAL_SECONDS" "etcd to let go of ${3:-$1}, which the settings do not name (those that stay: $(all_stay || true))" \
        remove_member "https://$ADDRESS:2379" "$1"
    log "${3:-$1} ($1) is no member any more"
    retry_until 60 "etcd to answer without ${3:-$1}" etcdctl_at "https://$ADDRESS:2379" endpoint health
}

# let_leavers_go: one after another, while their machines still run; these are deleted when all steps have ended well.
let_leavers_go() {
    local left id client name seen taken=false
    current_unit=etcd.service
    retry_until 30 "etcd's list of its members" leavers
    left=$(leavers)
    [ -n "$left" ] || return 0
    # Not under the lock: one of them may be waiting for its turn to join.
    retry_until "$STAYING_SECONDS" "all members that stay to be healthy; none leaves before" all_stay
    hold_membership "https://$ADDRESS:2379"
    left=$(leavers)
    until [ -z "$left" ]; do
        read -r id client name <<<"$left"
        seen=$(all_stay) || fail "${name:-$id} does not leave while not all members that stay are healthy: $seen"
        $taken || snapshot_before_change "$ADDRESS" || fail "no member leaves without a snapshot (see above)"
        taken=true
        let_go "$id" "$client" "$name"
        left=$(leavers)
    done
    release_membership
}
