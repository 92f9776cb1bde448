# shellcheck shell=bash
# The authorities of etcd's certificates change in stages (docs/rotation.md). Each member, and each control plane, writes
# down in etcd which authorities it runs with; no stage begins before all have gone through the one before. Sourced after
# rolling-restart.sh and digests.sh.

readonly RECORDS=openstack-paas/authorities

# recorded_authorities: "WHO ISSUING TRUSTED..." of everyone who has recorded them, except former members.
recorded_authorities() {
    etcdctl_at "https://$ADDRESS:2379" get --prefix "$RECORDS/" |
        awk -v prefix="$RECORDS/" -v members=" $(printf 'etcd/%s ' "${MEMBERS[@]%% *}")" '
            NR % 2 { who = substr($0, length(prefix) + 1); next }
            who !~ /^etcd\// || index(members, " " who " ") { print who, $0 }'
}

# guard_etcd_authorities: before any file changes.
guard_etcd_authorities() {
    local now wanted lines lagging member dropped digest
    if ! $at_work || [ ! -s "$PKI/ca.crt" ]; then
        return 0
    fi
    mapfile -t now < <(issuer_first "$PKI/server.crt" "$PKI/ca.crt")
    mapfile -t wanted < <(issuer_first "$folder/pki/server.crt" "$folder/pki/ca.crt")
    [ "${now[*]}" != "${wanted[*]}" ] || return 0
    refuse_skipped_stage
    dropped=$(comm -23 <(printf '%s\n' "${now[@]}" | sort) <(printf '%s\n' "${wanted[@]}" | sort))
    if [ "${now[0]}" = "${wanted[0]}" ] && [ -z "$dropped" ]; then
        return 0
    fi
    lines=$(recorded_authorities) || fail "cannot read from etcd which authorities its members and the API servers trust"
    for member in "${MEMBERS[@]}"; do
        [[ $'\n'$lines == *$'\n'"etcd/${member%% *} "* ]] || lines+=$'\n'"etcd/${member%% *} nothing"
    done
    [[ $lines == *api/* ]] || lines+=$'\n'"api/(any) nothing"
    if [ "${now[0]}" != "${wanted[0]}" ]; then
        lagging=$(awk -v digest="${wanted[0]}" '{ for (i = 3; i <= NF; i++) if ($i == digest) next } NF { print $1 }' <<<"$lines")
        refuse_lagging "do not trust the authorities of generation $GENERATION yet, which are to issue"
    fi
    for digest in $dropped; do
        lagging=$(awk -v digest="$digest" 'NF && ($2 == digest || $2 == "nothing") { print $1 }' <<<"$lines")
        refuse_lagging "still have certificates of authorities that are not to be trusted any more"
    done
}

refuse_lagging() {
    [ -z "$lagging" ] || fail "${lagging//$'\n'/, } $1: an \`up\` of the stage before has to end well first. (Where such a machine" \
        "is gone: etcdctl del $RECORDS/NAME)"
}

# record_authorities: what this member runs with by now.
record_authorities() {
    local wanted
    mapfile -t wanted < <(issuer_first "$PKI/server.crt" "$PKI/ca.crt")
    etcdctl_at "https://$ADDRESS:2379" put "$RECORDS/etcd/$NAME" "${wanted[0]} ${wanted[*]}" >/dev/null \
        || fail "this member cannot write down which authorities it trusts"
}
