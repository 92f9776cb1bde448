# shellcheck shell=bash
# What is remembered of snapshots: a description beside each, the outcome of the last run, and both as metrics. Sourced
# after lib.sh and settings.sh.

# On the machine's own disk also when etcd's data has a volume: what takes one must not take the other.
readonly BACKUPS=${ROOT:-}/var/lib/etcd-backup
# A folder that everyone may read: node_exporter is another user.
readonly METRICS=${ROOT:-}/var/lib/openstack-paas-metrics/etcd-backup.prom

outcome=failed
problem=
name=
time=
reason=
from=
etcd_version=
size=0
verified=false

# write_whole FILE: standard input, whole or not at all.
write_whole() {
    cat >"$1.new"
    sync "$1.new"
    mv -T -- "$1.new" "$1"
}

# record: names the snapshot, puts it in place and describes it.
record() {
    name=$(date --utc --date "@$time" +%Y%m%dT%H%M%SZ)-r${revision:-0}-$reason
    size=$(stat --format %s "$scratch/snapshot.db")
    sync "$scratch/snapshot.db"
    mv -T -- "$scratch/snapshot.db" "$BACKUPS/$name.db"
    jq --null-input --arg name "$name" --arg member "$NAME" --arg cluster "$CLUSTER_TOKEN" --argjson time "$time" \
        --arg reason "$reason" --argjson revision "${revision:-0}" --argjson keys "${keys:-0}" \
        --argjson hash "${hash:-0}" --argjson size "$size" --arg etcd "$etcd_version" --arg from "$from" \
        --argjson verified "$verified" --arg problem "$problem" \
        '$ARGS.named | if .problem == "" then del(.problem) else . end' | write_whole "$BACKUPS/$name.json"
}

# forget_old: removes what no tier keeps.
forget_old() {
    local stay file
    stay=$(jq --slurp --argjson keep "$KEEP" '{keep: $keep, snapshots: .}' "$BACKUPS"/*.json |
        jq --raw-output --from-file "$folder/backup-retention.jq")
    for file in "$BACKUPS"/*.json; do
        file=${file%.json}
        [[ ${file##*/} != status ]] || continue
        if ! jq --exit-status --arg name "${file##*/}" 'any(. == $name)' >/dev/null <<<"$stay"; then
            # The description last: without it the rest would be swept up anyway.
            rm -f -- "$file.db" "$file.json"
            log "removed ${file##*/}: no tier keeps it"
        fi
    done
}

# copied PLACE: remembers when everything was at PLACE.
copied() { copied_to+=("$1"); }
copied_to=()

# write_outcome: at the end of a run, however it ends: .status for people and `ops`, and the metrics.
write_outcome() {
    [ "$outcome" != skipped ] || return 0
    local old
    old=$(cat "$BACKUPS/.status" 2>/dev/null) || old='{}'
    jq --null-input --argjson old "$old" --arg outcome "$outcome" --arg step "$current_step" --argjson now "$EPOCHSECONDS" \
        --argjson size "$size" --argjson verified "$verified" --args '
        ($old + {run: $now, outcome: $outcome, failures: (($old.failures // 0) + (if $outcome == "taken" then 0 else 1 end))})
        | if $outcome == "taken" then .success = $now | del(.step) else .step = $step end
        | if $verified then .verified = $now | .size = $size else . end
        | .copies = (($old.copies // {}) + ($ARGS.positional | map({(.): $now}) | add // {}))' \
        "${copied_to[@]}" | write_whole "$BACKUPS/.status"
    install -d -m 0755 "${METRICS%/*}"
    jq --raw-output --argjson number "$(find "$BACKUPS" -maxdepth 1 -name '*.db' | wc -l)" '
        def gauge($name; $help; $value): "# HELP openstack_paas_etcd_backup_\($name) \($help)",
            "# TYPE openstack_paas_etcd_backup_\($name) gauge", "openstack_paas_etcd_backup_\($name) \($value)";
        gauge("last_run_timestamp_seconds"; "When the last run ended."; .run),
        gauge("last_run_failed"; "1 when the last run failed, also when only a copy did."; if .outcome == "taken" then 0 else 1 end),
        gauge("last_success_timestamp_seconds"; "When a run last did everything, 0 when none has."; .success // 0),
        gauge("last_verified_timestamp_seconds"; "When a snapshot was last taken and verified by restoring it."; .verified // 0),
        gauge("last_verified_size_bytes"; "Size of that snapshot."; .size // 0),
        gauge("snapshots"; "Snapshots on this machine."; $number),
        "# HELP openstack_paas_etcd_backup_failures_total Runs that failed since the machine was made.",
        "# TYPE openstack_paas_etcd_backup_failures_total counter",
        "openstack_paas_etcd_backup_failures_total \(.failures)",
        if .copies == {} then empty else
            "# HELP openstack_paas_etcd_backup_copied_timestamp_seconds When everything was last in a place off the machine.",
            "# TYPE openstack_paas_etcd_backup_copied_timestamp_seconds gauge",
            (.copies | to_entries[] | "openstack_paas_etcd_backup_copied_timestamp_seconds{place=\"\(.key)\"} \(.value)")
        end' "$BACKUPS/.status" | write_whole "$METRICS"
    chmod 0644 "$METRICS"
}
