# shellcheck shell=bash
# An etcd of its own to look into a snapshot, or into a member's data: it listens on sockets in a folder of its own, so
# that nothing reaches it and it clashes with nothing, and it ends with the script. Sourced after lib.sh.

# A cluster of one needs the address of a peer; nobody ever calls this one.
readonly SCRATCH_PEER=http://127.0.0.1:1

scratch=
scratch_pid=

# make_scratch FOLDER: a work folder on the disk of FOLDER, empty, and gone when the script ends.
make_scratch() {
    mkdir -p "$1"
    rm -rf -- "$1"/.scratch.*
    scratch=$(mktemp --directory "$1/.scratch.XXXXXX")
    # A socket's path is short (108 bytes, unix(7)).
    sockets=$(mktemp --directory)
    at_exit remove_scratch
}
remove_scratch() {
    stop_scratch
    rm -rf -- "$scratch" "$sockets"
}

scratch_etcdctl() {
    timeout 60 etcdctl --endpoints "unix://$sockets/client" --dial-timeout 2s --command-timeout 30s "$@"
}

scratch_answers() {
    if ! kill -0 "$scratch_pid" 2>/dev/null; then
        echo "it has ended"
        return 1
    fi
    scratch_etcdctl endpoint health
}

# start_scratch DATA [OPTION...]: serves what is in the data folder DATA. Bounded, should this script be killed.
start_scratch() {
    local data=$1
    shift
    current_log=$scratch/etcd.log
    timeout --kill-after=5 1200 etcd --name scratch --data-dir "$data" --unsafe-no-fsync --log-level warn \
        --quota-backend-bytes "$QUOTA_BYTES" \
        --listen-client-urls "unix://$sockets/client" --advertise-client-urls "$SCRATCH_PEER" \
        --listen-peer-urls "unix://$sockets/peer" --initial-advertise-peer-urls "$SCRATCH_PEER" \
        --initial-cluster "scratch=$SCRATCH_PEER" "$@" >"$current_log" 2>&1 8>&- 9>&- &
    scratch_pid=$!
    retry_until 90 "the scratch etcd to answer" scratch_answers
}
stop_scratch() {
    [ -n "$scratch_pid" ] || return 0
    kill "$scratch_pid" 2>/dev/null || true
    wait "$scratch_pid" 2>/dev/null || true
    scratch_pid=
    rm -f -- "$sockets"/*
    current_log=
}

# room_for BYTES FOLDER: two copies of a database and the logs of a scratch etcd must fit, or the disk would be full.
room_for() {
    local wanted free
    wanted=$((2 * $1 + $1 / 5 + 256 * 1024 * 1024))
    free=$(df --output=avail --block-size=1 "$2" | tail -n 1)
    ((free >= wanted)) || fail "$2 has $((free >> 20)) MiB free, and a snapshot with its proof needs $((wanted >> 20)) MiB:" \
        "free some, or keep fewer (backups.etcd.keep)"
}

# scratch_facts REVISION: prints "REVISION HASH COMPACTED" as the scratch etcd serves them, the hash up to REVISION.
scratch_facts() {
    local revision hash
    revision=$(scratch_etcdctl endpoint status --write-out json | jq '.[0].Status.header.revision')
    hash=$(scratch_etcdctl endpoint hashkv --rev "$1" --write-out json |
        jq -r '.[0].HashKV | "\(.hash) \(.compact_revision)"')
    echo "$revision $hash"
}

# count_of REVISION COMMAND...: the keys at REVISION, counted by etcdctl. etcdutl's own count has one more after a restore.
count_of() {
    local revision=$1
    shift
    "$@" get '' --from-key --count-only --consistency s --rev "$revision" --write-out fields | awk '/"Count"/ { print $3 }'
}

# prove_snapshot FILE: restores FILE into a scratch etcd, starts it and compares the revision that it serves with the one
# in the file. The restore itself compares the file with the SHA-256 at its end. Sets `revision`, `keys`, `hash` (of all
# keys with their history up to that revision), `compacted`, and `problem` when they differ. The hash comes from the
# scratch etcd: `etcdutl hashkv` panics on a file whose keys have leases, as Kubernetes' do (3.6.5).
prove_snapshot() {
    local seen served
    problem=
    if ! seen=$(etcdutl snapshot status "$1" --write-out json 2>&1); then
        problem="the file is no snapshot: $(tail -n 1 <<<"$seen")"
        return 0
    fi
    # A store without a key is at revision 1, and etcdutl says 0.
    revision=$(jq '[.revision, 1] | max' <<<"$seen")
    rm -rf -- "$scratch/restored"
    if ! seen=$(etcdutl snapshot restore "$1" --data-dir "$scratch/restored" --name scratch \
        --initial-cluster "scratch=$SCRATCH_PEER" --initial-advertise-peer-urls "$SCRATCH_PEER" 2>&1); then
        problem="it cannot be restored: $(tail -n 1 <<<"$seen")"
        return 0
    fi
    start_scratch "$scratch/restored"
    read -r served hash compacted < <(scratch_facts "$revision")
    keys=$(count_of "$revision" scratch_etcdctl)
    stop_scratch
    rm -rf -- "$scratch/restored"
    [ "$served" = "$revision" ] || problem="restored it serves revision '$served', and the file says $revision"
}
