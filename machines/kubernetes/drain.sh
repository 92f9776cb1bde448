# shellcheck shell=bash
# Takes a node's pods off it by eviction, as `kubectl drain` does, with nothing but curl and jq and no right that a kubelet
# does not have for its own node: a node may cordon itself, list and evict its own pods. (kubectl drain also reads
# DaemonSets and pods that are gone, which a node may not.) Sourced after lib.sh. Expects API (host:port) and API_IDENTITY,
# curl's options for the certificates. FOR_GOOD is set where settings do not count any more: the machine is not among them.

# How often a drain looks again, in seconds.
DRAIN_INTERVAL=${DRAIN_INTERVAL:-1}

api_status=
api_body=$(temporary)

# api METHOD PATH [BODY]: asks the API; api_status is the HTTP status (000: no answer), the file api_body what it said.
# Not for use in $( ), which would forget both.
api() {
    local type=application/json
    [ "$1" != PATCH ] || type=application/merge-patch+json
    : >"$api_body"
    api_status=$(curl --silent --noproxy '*' --connect-timeout 4 --max-time 15 "${API_IDENTITY[@]}" --request "$1" \
        --header "Content-Type: $type" ${3:+--data "$3"} --output "$api_body" --write-out '%{http_code}' \
        "https://$API$2" 2>/dev/null) || api_status=${api_status:-000}
    [[ $api_status == 2* ]]
}

# api_said: the last answer in a line, for messages.
api_said() {
    local message
    message=$(jq --raw-output '[.message, (.details.causes // [] | .[].message)] | map(select(. != null and . != "")) |
        join(" ")' "$api_body" 2>/dev/null) || message=
    echo "HTTP status $api_status${message:+: $message}"
}

# ask METHOD PATH [BODY]: api, again and again for a minute: an API server may just be changing its place.
ask() {
    local begin=$SECONDS
    until api "$@"; do
        [[ $api_status != 4* || $api_status == 429 ]] || return 1
        ((SECONDS - begin < 60)) || return 1
        sleep 0.5
    done
}

# mark_node NODE PATCH: changes a node's object, by a JSON merge patch.
mark_node() {
    ask PATCH "/api/v1/nodes/$1" "$2" || fail "cannot change the node $1: $(api_said)"
}

cordon() { mark_node "$1" '{"spec": {"unschedulable": true}}'; }
uncordon() { mark_node "$1" '{"spec": {"unschedulable": null}}'; }

# The node's pods that have to leave, as "CLAIM NAMESPACE NAME UID OWNER STATE" a line, those without volume claims first: a
# pod with one may have its volume here, so that it can only come back, and is away for the shortest time when it goes last.
# OWNER is what creates it again, "-" for nothing; STATE is "ending" or "there".
# shellcheck disable=SC2016  # jq's own variable
readonly LEAVING='.items[]
    | select(.metadata.annotations["kubernetes.io/config.mirror"] == null)
    | select(.status.phase != "Succeeded" and .status.phase != "Failed")
    | (.metadata.ownerReferences // [] | map(select(.controller)) | .[0].kind // "-") as $owner
    | select($owner != "DaemonSet")
    | [(.spec.volumes // [] | map(select(.persistentVolumeClaim)) | if length > 0 then "1" else "0" end),
       .metadata.namespace, .metadata.name, .metadata.uid, $owner,
       (if .metadata.deletionTimestamp then "ending" else "there" end)] | join(" ")'

# find_leaving NODE: fills `leaving`.
find_leaving() {
    ask GET "/api/v1/pods?fieldSelector=spec.nodeName%3D$1" || fail "cannot list the pods of the node $1: $(api_said)"
    leaving=()
    mapfile -t leaving < <(jq --raw-output "$LEAVING" "$api_body" | sort)
}

# refuse_bare_pods NODE: unless the settings let them go.
refuse_bare_pods() {
    local pod found='' _ namespace name owner
    [ "${BARE_PODS:-refuse}" = refuse ] || return 0
    for pod in "${leaving[@]}"; do
        read -r _ namespace name _ owner _ <<<"$pod"
        [ "$owner" != - ] || found+="${found:+, }$namespace/$name"
    done
    [ -z "$found" ] \
        || fail "nothing would create these pods of the node $1 again: $found." \
            "Delete them${FOR_GOOD-, or set rollout.barePods to delete,} and run this again"
}

# evict NAMESPACE NAME UID: whether the pod is leaving; else `held` says what holds it.
evict() {
    local body
    body=$(jq --null-input --compact-output --arg namespace "$1" --arg name "$2" --arg uid "$3" \
        '{apiVersion: "policy/v1", kind: "Eviction", metadata: {$namespace, $name}, deleteOptions: {preconditions: {$uid}}}')
    if api POST "/api/v1/namespaces/$1/pods/$2/eviction" "$body" || [[ $api_status == 404 || $api_status == 409 ]]; then
        return 0
    fi
    held="$1/$2: $(api_said)"
    return 1
}

# evict_all WITH_CLAIMS: asks all those that are still there to leave; with 0 only the ones without volume claims.
evict_all() {
    local pod claim namespace name uid state _
    waits_for=()
    held=
    for pod in "${leaving[@]}"; do
        read -r claim namespace name uid _ state <<<"$pod"
        ((claim <= $1)) || continue
        waits_for+=("$namespace/$name")
        [ "$state" = ending ] || evict "$namespace" "$name" "$uid" || true
    done
}

# drain NODE SECONDS: until no pod is left but those of DaemonSets and of the machine itself.
drain() {
    local leaving=() waits_for=() held='' claims begin=$SECONDS next_word=10
    find_leaving "$1"
    refuse_bare_pods "$1"
    log "${#leaving[@]} pods have to leave"
    for claims in 0 1; do
        evict_all "$claims"
        while ((${#waits_for[@]} > 0)); do
            ((SECONDS - begin < $2)) \
                || fail "the node $1 is not free after $2 s: ${waits_for[*]} did not leave.${held:+ The last refusal: $held.}" \
                    "Repair or scale up what the budget protects${FOR_GOOD-, or raise rollout.drainSeconds}; then run this again"
            if ((SECONDS - begin >= next_word)); then
                log "waiting for ${waits_for[*]} to leave ($((SECONDS - begin)) s)${held:+; refused: $held}"
                next_word=$((next_word + 20))
            fi
            sleep "$DRAIN_INTERVAL"
            find_leaving "$1"
            evict_all "$claims"
        done
    done
    log "free of pods after $((SECONDS - begin)) s"
}
