#!/bin/bash
# etcd-restore.sh look|stop|snapshot|place|empty|finish: this member's part of a restore; `python -m ops etcd restore`
# leads it over all members. Every part may be run again. Nothing is deleted: old data lies in /var/lib/etcd/aside-ID.
# The plan (standard input of `stop`) is JSON: {"id", "first", "source": {"kind": "here" | "survivor" | place, "name", ...}}.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib settings membership snapshot-proof backup-copies backup-record salvage; do
    . "$folder/$part.sh"
done

# plan: what `stop` was given; stage: how far this machine is: stopped, then placed or emptied; snapshot: the file to restore.
readonly NOTES=$STATE/etcd-restore
# Watchers and caches ask from a revision that they have seen. None may be as high as the first one after a restore, or they
# would miss changes: https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump. A cluster of 5,000 nodes
# makes some 10^8 revisions a month.
readonly BUMP=1000000000
# How long etcd may take to end by itself.
readonly STOP_SECONDS=3

stage() { cat "$NOTES/stage" 2>/dev/null || true; }
planned() { jq --raw-output "$1" "$NOTES/plan"; }
note() { write_whole "$NOTES/$1"; }

look() {
    local state healthy=false revision='' plan=null
    state=$(systemctl is-active etcd.service 2>/dev/null) || true
    # One that does not run answers nothing, and the platform waits.
    if [[ $state == active || $state == *ing ]]; then
        if etcdctl_at "https://$ADDRESS:2379" --command-timeout 3s endpoint health >/dev/null 2>&1; then
            healthy=true
        fi
        revision=$(etcdctl_at "https://$ADDRESS:2379" --command-timeout 3s endpoint status --write-out json 2>/dev/null |
            jq '.[0].Status.header.revision') || revision=''
    fi
    [ -n "$revision" ] || revision=$(data_revision)
    plan=$(cat "$NOTES/plan" 2>/dev/null) || plan=null
    jq --null-input --arg member "$NAME" --arg etcd "${state:-unknown}" --argjson healthy "$healthy" \
        --argjson data "$(has_data && echo true || echo false)" --argjson revision "${revision:-null}" \
        --arg stage "$(stage)" --argjson plan "$plan" --args '$ARGS.named + {aside: $ARGS.positional}' "$DATA"/aside-*
}

stop_etcd() {
    local plan id
    plan=$(jq --compact-output .)
    id=$(jq --raw-output --exit-status '.id | select(test("^[0-9TZ]+$"))' <<<"$plan") || fail "the plan has no id"
    mkdir -p "$NOTES"
    if [ -s "$NOTES/plan" ] && [ "$(planned .id)" != "$id" ]; then
        fail "the restore $(planned .id) was begun here and not ended; this is another one, $id"
    fi
    if [[ $(stage) == placed || $(stage) == emptied ]]; then
        log "this machine is past that: $(stage)"
        return 0
    fi
    note plan <<<"$plan"
    note stage <<<stopped
    # Neither a reboot nor converge may start it while it has no data or the old one.
    systemctl disable --quiet etcd.service
    current_unit=etcd.service
    # One without a majority waits for requests that nobody answers. What it has acknowledged is on its disk: killing it
    # loses nothing.
    timeout "$STOP_SECONDS" systemctl stop etcd.service || {
        # It may have ended just then.
        systemctl kill --signal=KILL etcd.service || true
        timeout 60 systemctl stop etcd.service
    }
    rm -f "${ROOT:-}/etc/etcd/initial.env"
    log "etcd is stopped"
}

# snapshot: has the planned one at hand: here already, from this machine's own data, or from a place off the machine. An
# age identity for an encrypted one comes on standard input and goes to age alone.
snapshot() {
    local kind path file
    [ ! -s "$NOTES/snapshot" ] || return 0
    kind=$(planned .source.kind)
    case $kind in
        here) file=$BACKUPS/$(planned .source.name).db ;;
        survivor)
            salvage
            file=$BACKUPS/$name.db
            ;;
        *)
            make_scratch "$BACKUPS"
            path=$(printf '%s\n' "${PLACES[@]}" | awk -v kind="$kind" '$1 == kind { print $2 }')
            file=$BACKUPS/.restore-$(planned .id)
            rclone_at copyto "$kind:$path/$(planned .source.path)" "$scratch/copy" \
                || fail "$(planned .source.path) cannot be had from $kind"
            if [ "$(planned .source.encrypted)" = true ]; then
                age --decrypt --identity - --output "$scratch/plain" "$scratch/copy" \
                    || fail "age cannot decrypt $(planned .source.path): give the identity of one of its recipients"
                mv -T -- "$scratch/plain" "$scratch/copy"
            fi
            prove_snapshot "$scratch/copy"
            [ -z "$problem" ] || fail "$(planned .source.path) is no good: $problem"
            mv -T -- "$scratch/copy" "$file"
            ;;
    esac
    [ -s "$file" ] || fail "there is no snapshot $file"
    note snapshot <<<"$file"
    log "to be restored: $file"
}

set_aside() {
    local aside
    aside=$DATA/aside-$(planned .id)
    if [ -e "$DATA/member" ]; then
        mkdir -p "$aside"
        mv -T -- "$DATA/member" "$aside/member"
        log "the old data is in $aside"
    fi
}

# place: the snapshot becomes the data of a cluster of this one member, with a token of its own: no former member can
# take it for its own cluster.
place() {
    local id new seen
    id=$(planned .id)
    new=$DATA/restore-$id
    case $(stage) in
        placed) return 0 ;;
        stopped) ;;
        *) fail "etcd has not been stopped for a restore here" ;;
    esac
    if [ ! -e "$DATA/member/restored-$id" ]; then
        rm -rf -- "$new"
        seen=$(etcdutl snapshot restore "$(cat "$NOTES/snapshot")" --data-dir "$new" --name "$NAME" \
            --initial-cluster "$NAME=https://$ADDRESS:2380" --initial-advertise-peer-urls "https://$ADDRESS:2380" \
            --initial-cluster-token "$CLUSTER_TOKEN-$id" --bump-revision "$BUMP" --mark-compacted 2>&1) \
            || fail "etcdutl could not restore it: $(tail -n 1 <<<"$seen")"
        : >"$new/member/restored-$id"
        chown --recursive "$(stat --format %u:%g "$DATA")" "$new"
        sync --file-system "$new"
        set_aside
        mv -T -- "$new/member" "$DATA/member"
        rm -rf -- "$new"
    fi
    # The options of a first start would be those of another cluster.
    rm -f "${ROOT:-}/etc/etcd/initial.env"
    note stage <<<placed
    log "the snapshot is in place"
}

# empty: this member joins the first one with nothing, as any new member does.
empty() {
    case $(stage) in
        emptied) return 0 ;;
        stopped) ;;
        *) fail "etcd has not been stopped for a restore here" ;;
    esac
    set_aside
    note stage <<<emptied
}

finish() {
    rm -f -- "$DATA"/member/restored-*
    rm -rf -- "$NOTES" "$BACKUPS"/.restore-*
    log "done"
}

current_step="etcd restore"
case ${1:-} in
    look) look ;;
    stop)
        take_lock
        stop_etcd
        ;;
    snapshot | place | empty | finish)
        take_lock
        "$1"
        ;;
    *) fail "look, stop, snapshot, place, empty or finish, not '${1:-}'" ;;
esac
