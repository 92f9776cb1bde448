#!/bin/bash
# etcd-backup.sh [--reason WORD] [--from ADDRESS] [--no-copies]: one snapshot of etcd, proven by restoring it, kept by
# tiers, copied off the machine. From this machine's member, or from the one at ADDRESS. A learner takes none.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib settings membership snapshot-proof backup-copies backup-record; do . "$folder/$part.sh"; done

reason=timer
from=$ADDRESS
copies=true
while (($# > 0)); do
    case $1 in
        --reason) reason=$2 && shift ;;
        --from) from=$2 && shift ;;
        --no-copies) copies=false ;;
        *) fail "etcd-backup.sh knows no $1" ;;
    esac
    shift
done
[[ $reason =~ ^[a-z]+$ ]] || fail "a reason is a word of lower-case letters, not '$reason'"

prepare() {
    mkdir -p "$BACKUPS"
    chmod 0700 "$BACKUPS"
    exec 8>"$BACKUPS/.lock"
    flock --wait 900 8 || fail "another snapshot has been running for 900 s"
    at_exit write_outcome
    local file
    # What an interrupted run left: a snapshot counts from the moment its description is there.
    for file in "$BACKUPS"/*.db; do
        [ -e "${file%.db}.json" ] || rm -f -- "$file"
    done
    make_scratch "$BACKUPS"
}

# A snapshot of a learner may lack what the cluster has acknowledged; so may one of a member without a majority.
look_at_member() {
    local seen
    seen=$(etcdctl_at "https://$from:2379" endpoint status --write-out json 2>/dev/null) \
        || fail "no etcd answers at $from: no snapshot"
    if jq --exit-status '.[0].Status.isLearner' >/dev/null <<<"$seen"; then
        log "the member at $from is a learner, which has not caught up: no snapshot"
        outcome=skipped
        exit 0
    fi
    etcdctl_at "https://$from:2379" endpoint health >/dev/null 2>&1 \
        || fail "the member at $from has no majority behind it, so it may be behind: no snapshot"
    etcd_version=$(jq --raw-output '.[0].Status.version' <<<"$seen")
    room_for "$(jq '.[0].Status.dbSize' <<<"$seen")" "$BACKUPS"
}

take() {
    time=$EPOCHSECONDS
    timeout --kill-after=5 900 etcdctl --endpoints "https://$from:2379" --cacert "$PKI/ca.crt" --cert "$PKI/client.crt" \
        --key "$PKI/client.key" snapshot save "$scratch/snapshot.db" >"$scratch/etcdctl.log" 2>&1 \
        || fail "etcdctl could not take it: $(tail -n 1 "$scratch/etcdctl.log")"
}

# What the member itself says of that revision, unless it has compacted its history since the snapshot.
compare_with_member() {
    local seen
    [ -z "$problem" ] || return 0
    seen=$(etcdctl_at "https://$from:2379" endpoint hashkv --rev "$revision" --write-out json 2>/dev/null |
        jq --raw-output '.[0].HashKV | "\(.hash) \(.compact_revision)"') || return 0
    if [ "${seen#* }" != "$compacted" ]; then
        log "the member has compacted its history meanwhile: not compared with it"
    elif [ "${seen% *}" != "$hash" ]; then
        problem="the member at $from has the hash ${seen% *} at revision $revision, the snapshot $hash"
    elif seen=$(count_of "$revision" etcdctl_at "https://$from:2379" 2>/dev/null) && [ "$seen" != "$keys" ]; then
        problem="the member at $from has $seen keys at revision $revision, the snapshot $keys"
    fi
}

prove() {
    prove_snapshot "$scratch/snapshot.db"
    compare_with_member
    verified=true
    [ -z "$problem" ] || verified=false
}

copy_away() {
    local entry failed=''
    for entry in "${PLACES[@]}"; do
        if bring_in_line "${entry%% *}" "${entry%% *}:${entry#* }/$NAME"; then
            copied "${entry%% *}"
        else
            log "not copied to ${entry%% *}: $(tail -n 2 "$scratch/said" | without_secrets | tr '\n' ' ')"
            failed+="${failed:+ and }${entry%% *}"
        fi
    done
    [ -z "$failed" ] || fail "the snapshot is on this machine and verified, but copies did not get to $failed (see above)"
}

step "preparation" prepare
step "member" look_at_member
step "snapshot" take
step "proof" prove
step "record" record
if [ -n "$problem" ]; then
    fail "the snapshot $name is no good: $problem"
fi
step "tiers" forget_old
if $copies; then
    step "copies" copy_away
fi
outcome=taken
current_step=backup
log "$name: revision $revision, $keys keys, $size bytes, verified"
