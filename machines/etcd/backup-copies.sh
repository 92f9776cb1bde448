# shellcheck shell=bash
# Snapshots in the places off the machine, by rclone, whose configuration holds the secrets. Sourced after lib.sh and
# settings.sh. PLACES holds "name path": name is the remote in rclone.conf (s3, sftp), path the cluster's folder there;
# each member has a folder in it. With RECIPIENTS what leaves the machine is encrypted by age.

rclone_at() {
    timeout --kill-after=5 900 rclone --config "$folder/files/rclone.conf" --contimeout 10s --timeout 60s --retries 2 \
        --low-level-retries 3 --quiet "${RCLONE_OPTIONS[@]}" "$@" 9>&-
}

# names_at REMOTE:FOLDER: the snapshots there, one a line; a folder that is not there yet has none.
names_at() {
    local seen status=0
    seen=$(rclone_at lsf --files-only --recursive "$1" 2>&1) || status=$?
    case $status in
        0) grep -E '\.db(\.age)?$' <<<"$seen" || true ;;
        # https://rclone.org/docs/#exit-code: directory not found.
        3) ;;
        *)
            echo "${seen:-no answer}" >&2
            return 1
            ;;
    esac
}

# described: names of snapshots, one a line, as the JSON that backup-retention.jq reads. A name says time, revision and reason.
described() {
    jq --raw-input --slurp 'split("\n") | map(select(. != "") | . as $path
        | capture("^((?<member>[^/]+)/)?(?<name>(?<stamp>[0-9]{8}T[0-9]{6}Z)-r(?<revision>[0-9]+)-(?<reason>[a-z]+))[.]db(?<age>[.]age)?$")
        | {name, member, path: $path, reason, verified: true, encrypted: (.age != null), revision: (.revision | tonumber),
           time: (.stamp | strptime("%Y%m%dT%H%M%SZ") | mktime)})'
}

# copy_one FILE REMOTE:FOLDER: whole or not at all: rclone and S3 show a file only when it has arrived.
copy_one() {
    local file=$1 suffix='' entry options=()
    if ((${#RECIPIENTS[@]} > 0)); then
        for entry in "${RECIPIENTS[@]}"; do options+=(--recipient "$entry"); done
        suffix=.age
        # shellcheck disable=SC2154  # snapshot-proof.sh, for those that copy
        file=$scratch/copy.age
        age "${options[@]}" --output "$file" "$1" || return 1
    fi
    rclone_at copyto "$file" "$2/$(basename "$1")$suffix" || return 1
    rm -f -- "$scratch/copy.age"
}

# bring_in_line NAME REMOTE:FOLDER: copies what is verified here and missing there, then removes what no tier keeps. What
# could not be copied before is copied now; snapshots of this machine before it was lost count as well.
bring_in_line() {
    local there here plan name
    there=$(names_at "$2" 2>"$scratch/said" | described) || return 1
    here=$(jq --slurp . "$BACKUPS"/*.json /dev/null)
    plan=$(jq --null-input --argjson keep "$KEEP" --argjson here "$here" --argjson there "$there" '
        ($here | map(select(.verified))) as $here | ($there | map(.name)) as $old
        | {keep: $keep, snapshots: ($here + ($there | map(select(.name as $name | $here | all(.name != $name)))))}')
    local stay
    stay=$(jq --from-file "$folder/backup-retention.jq" <<<"$plan")
    for name in $(jq --raw-output --null-input --argjson here "$here" --argjson there "$there" --argjson stay "$stay" '
        ($here | map(select(.verified).name)) - ($there | map(.name)) | map(select(. as $name | $stay | any(. == $name)))[]'); do
        copy_one "$BACKUPS/$name.db" "$2" 2>"$scratch/said" || return 1
        log "copied $name to $1"
    done
    for name in $(jq --raw-output --null-input --argjson there "$there" --argjson stay "$stay" '
        $there[] | select(.name as $name | $stay | all(. != $name)).path'); do
        rclone_at deletefile "$2/$name" 2>"$scratch/said" || return 1
        log "removed $name from $1: no tier keeps it"
    done
}
