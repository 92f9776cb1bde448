# shellcheck shell=bash
# What can be saved of a member's own data when the majority is lost. Sourced after snapshot-proof.sh.

# data_revision: the last revision in this machine's data while no etcd answers here; nothing when it cannot be read.
data_revision() {
    local revision=''
    has_data || return 0
    make_scratch "$BACKUPS"
    # On a copy: etcd may hold a lock on the file, and etcdutl writes to what it reads.
    if cp --reflink=auto -- "$DATA/member/snap/db" "$scratch/copy" 2>/dev/null; then
        revision=$(etcdutl snapshot status "$scratch/copy" --write-out json 2>/dev/null | jq .revision) || revision=''
    fi
    remove_scratch
    echo "$revision"
}

# salvage: a snapshot of everything that was committed in this machine's data, whose etcd does not run: a copy of the data
# is started as a cluster of its own, which also plays the log that the database had not taken in yet.
salvage() {
    has_data || fail "there is no data in $DATA"
    room_for "$(stat --format %s "$DATA/member/snap/db")" "$BACKUPS"
    make_scratch "$BACKUPS"
    mkdir "$scratch/data"
    cp --archive --reflink=auto -- "$DATA/member" "$scratch/data/member"
    start_scratch "$scratch/data" --force-new-cluster
    time=$EPOCHSECONDS
    reason=salvaged
    from=$ADDRESS
    etcd_version=$(scratch_etcdctl endpoint status --write-out json | jq --raw-output '.[0].Status.version')
    scratch_etcdctl --command-timeout 900s snapshot save "$scratch/snapshot.db" >"$scratch/etcdctl.log" 2>&1 \
        || fail "etcdctl could not take a snapshot of it: $(tail -n 1 "$scratch/etcdctl.log")"
    stop_scratch
    rm -rf -- "$scratch/data"
    prove_snapshot "$scratch/snapshot.db"
    [ -z "$problem" ] || fail "the data in $DATA makes no good snapshot: $problem"
    verified=true
    record
}
