# shellcheck shell=bash
# The authorities that a node trusts, and its pods with it. They change in stages (docs/rotation.md), and no stage begins
# before all nodes have gone through the previous one: each records its own in an annotation. Sourced after rollout.sh
# and digests.sh.

readonly AUTHORITIES=openstack-paas/authorities

# read_authorities: fills `wanted`, the digests of what is to be trusted, the one that issues first.
read_authorities() { mapfile -t wanted < <(digests "$folder/pki/ca.crt"); }

# guard_authorities: before any file changes: this node has gone through the stage before.
guard_authorities() {
    local now wanted
    if ! $at_work || [ ! -s "$KUBERNETES/pki/ca.crt" ]; then
        return 0
    fi
    read_authorities
    mapfile -t now < <(digests "$KUBERNETES/pki/ca.crt")
    [ "${now[*]}" != "${wanted[*]}" ] || return 0
    refuse_skipped_stage
    # A control plane also looks at the others.
    ! is_control_plane || guard_cluster
}

# recorded_authorities_of FIELD: what the node's annotation says in that field, one a line. After a GET of the node.
recorded_authorities_of() {
    jq --raw-output --arg key "$AUTHORITIES" --arg field "$1" \
        '((.metadata.annotations[$key] // "{}") | fromjson)[$field] // [] | if type == "array" then .[] else . end' "$api_body"
}

# annotate_authorities NODE [POD_DIGEST...]: what NODE has, and what its pods know; without that, what is recorded of them stays.
annotate_authorities() {
    local node=$1 pods patch
    shift
    ask GET "/api/v1/nodes/$node" || fail "cannot read the node $node: $(api_said)"
    mapfile -t pods < <(recorded_authorities_of pods)
    (($# == 0)) || pods=("$@")
    patch=$(jq --null-input --compact-output --arg key "$AUTHORITIES" --arg pods "${pods[*]}" --arg wanted "${wanted[*]}" '
        ($wanted / " ") as $wanted
        | {issuing: $wanted[0], trusted: $wanted, pods: ($pods / " " | map(select(. != "")))} as $record
        | {metadata: {annotations: {($key): ($record | tojson)}}}')
    mark_node "$node" "$patch"
}

# pods_lag NODE: whether its pods may know less than `wanted`. A node without the annotation trusts one authority
# since it was made.
pods_lag() {
    local known digest
    ask GET "/api/v1/nodes/$1" || fail "cannot read the node $1: $(api_said)"
    mapfile -t known < <(recorded_authorities_of pods)
    if ((${#known[@]} == 0 && ${#wanted[@]} == 1)); then
        return 1
    fi
    for digest in "${wanted[@]}"; do
        is_one_of "$digest" "${known[@]}" || return 0
    done
    return 1
}

# Pods on a node whose containers are given the cluster's CA, as "NAMESPACE NAME UID START": they read it when they start.
# What only prepares a pod has read it and is gone.
# shellcheck disable=SC2016  # jq's own names
readonly READERS='.items[]
    | select(.metadata.annotations["kubernetes.io/config.mirror"] == null and .metadata.deletionTimestamp == null)
    | select(.status.phase == "Running" or .status.phase == "Pending")
    | [.spec.volumes[]? | select(.configMap.name == "kube-root-ca.crt"
        or any(.projected.sources[]?; .configMap.name == "kube-root-ca.crt")) | .name] as $given
    | select(any(.spec.containers[].volumeMounts[]?; .name as $name | $given | index($name)))
    | "\(.metadata.namespace) \(.metadata.name) \(.metadata.uid) \(.status.startTime // "-")"'

# published NAMESPACE FOLDER: whether its pods are given what is wanted; leaves in FOLDER, in the file `since`, when that began.
published() {
    local seen
    api GET "/api/v1/namespaces/$1/configmaps/kube-root-ca.crt" || { api_said; return 1; }
    jq --raw-output '.data["ca.crt"]' "$api_body" >"$2/published"
    jq --raw-output '[.metadata.managedFields[]? | select(.fieldsV1["f:data"]) | .time] | max // empty' "$api_body" >"$2/since"
    seen=$(digests "$2/published" | tr '\n' ' ')
    [ "${seen% }" = "${wanted[*]}" ] || { echo "kube-root-ca.crt of $1 has ${seen% }, wanted ${wanted[*]}"; return 1; }
}

# find_stale NODE: fills `stale` with the pods that have started before the CA was published as it is now.
find_stale() {
    local readers reader namespace name uid start last='' found
    ask GET "/api/v1/pods?fieldSelector=spec.nodeName%3D$1" || fail "cannot list the pods of the node $1: $(api_said)"
    mapfile -t readers < <(jq --raw-output "$READERS" "$api_body" | sort)
    stale=()
    found=$(temporary --directory)
    for reader in "${readers[@]}"; do
        read -r namespace name uid start <<<"$reader"
        if [ "$namespace" != "$last" ]; then
            retry_until 150 "the cluster's controller-manager to publish the authorities in $namespace" published "$namespace" "$found"
            last=$namespace
        fi
        # Both are UTC in the same form.
        [[ $start > $(cat "$found/since") ]] || stale+=("$namespace $name $uid")
    done
}

# pod_is_gone NODE NAMESPACE NAME UID: whether the pod has left; asks it to, as far as its budget lets it. (Of a pod that is gone
# a node may not even ask: it looks through all of its own.)
pod_is_gone() {
    local held='' ending
    api GET "/api/v1/pods?fieldSelector=spec.nodeName%3D$1" || { api_said; return 1; }
    ending=$(jq --raw-output --arg uid "$4" '.items[] | select(.metadata.uid == $uid) | .metadata.deletionTimestamp != null' "$api_body")
    [ -n "$ending" ] || return 0
    [ "$ending" = true ] || evict "$2" "$3" "$4" || true
    echo "$2/$3 is there${held:+, $held}"
    return 1
}

# renew_pods NODE: restarts its stale pods, one after another; nothing is cordoned, so they may come back here.
renew_pods() {
    local stale=() pod
    find_stale "$1"
    for pod in "${stale[@]}"; do
        log "pod ${pod% *} has read the previous authorities: restarting it"
        # shellcheck disable=SC2086  # three words
        retry_until "$DRAIN_SECONDS" "the pod ${pod% *} to leave" pod_is_gone "$1" $pod
    done
    ((${#stale[@]} == 0)) || NAME=$1 retry_until 180 "the pods of the node $1 itself to be ready" own_pods_are_ready
}

# follow_authorities: the pods of this node know what is wanted; other nodes may rely on it.
follow_authorities() {
    local wanted
    read_authorities
    if pods_lag "$NAME"; then
        annotate_authorities "$NAME"
        renew_pods "$NAME"
    fi
    annotate_authorities "$NAME" "${wanted[@]}"
}
