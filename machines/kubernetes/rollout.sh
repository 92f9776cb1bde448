# shellcheck shell=bash
# A change of a node that runs: only while the platform serves without it, without pods on it, and over only when it
# is good again. Sourced after node.sh and drain.sh. What is going on is in an annotation of the node, which
# `ops status` shows, and by which a run that was interrupted is finished by the next.

readonly CHANGE=openstack-paas/change
readonly API=$ENDPOINT
readonly KUBELET_CERTIFICATE=/var/lib/kubelet/pki/kubelet-client-current.pem
API_IDENTITY=(--cacert "$folder/pki/ca.crt" --cert "$KUBELET_CERTIFICATE" --key "$KUBELET_CERTIFICATE")
changing=false
drained=false
leaving_began=false

# read_change: leaves in `said` what the node's annotation says, nothing when there is none.
read_change() {
    ask GET "/api/v1/nodes/$NAME" || fail "cannot read the node $NAME at $ENDPOINT: $(api_said)"
    said=$(jq --raw-output --arg key "$CHANGE" '.metadata.annotations[$key] // empty' "$api_body")
}

# write_change WHAT: since when, and whether somebody else had cordoned the node before, are kept from the first time. After
# read_change.
write_change() {
    local patch
    patch=$(jq --compact-output --arg key "$CHANGE" --arg what "$1" --arg now "$(date --utc +%Y-%m-%dT%H:%M:%SZ)" '
        ((.metadata.annotations[$key] // "{}") | fromjson) as $before
        | {what: $what, since: ($before.since // $now),
           cordoned: (if $before == {} then .spec.unschedulable // false else $before.cordoned end)} as $change
        | {metadata: {annotations: {($key): ($change | tojson)}}}' "$api_body")
    mark_node "$NAME" "$patch"
}

# begin_change WHAT [drained]: the platform serves without this node from here on. May be called again for one more change;
# pods leave once, when the first change that needs it begins.
begin_change() {
    local said
    # On a worker, the budgets of those who run pods say whether these may leave.
    $changing || ! is_control_plane || others_serve
    changing=true
    read_change
    write_change "$1"
    log "$1"
    if [ "${2:-}" = drained ] && ! $drained; then
        empty_node
    fi
}

# empty_node: a lone node has nobody who would take its pods; their containers go on while its kubelet is changed.
empty_node() {
    if [ "$DRAINED" = true ]; then
        leaving_began=true
        at_exit give_back
        cordon "$NAME"
        drain "$NAME" "$DRAIN_SECONDS"
    fi
    drained=true
    leaving_began=false
}

# give_back: a node whose pods could not all leave has not been changed, and goes on as before.
give_back() {
    if $leaving_began; then
        # A failure in here must not keep other things from being tidied up.
        (read_change; take_pods "$said"; forget_change) && log "the node takes pods again"
    fi
}

# take_pods CHANGE: unless somebody else had cordoned the node before.
take_pods() {
    [ "$(jq --raw-output '.cordoned' <<<"${1:-null}")" = true ] || uncordon "$NAME"
}

forget_change() { mark_node "$NAME" "{\"metadata\": {\"annotations\": {\"$CHANGE\": null}}}"; }

# node_is_ready: with the kubelet that is installed.
node_is_ready() {
    local version
    version=$(kubelet --version)
    api GET "/api/v1/nodes/$NAME" || { api_said; return 1; }
    jq --raw-output --exit-status --arg version "${version#* }" '
        (.status.conditions | map({(.type): .status}) | add) as $is
        | if $is.Ready == "True" and .status.nodeInfo.kubeletVersion == $version then true
          else "Ready is \($is.Ready), the kubelet \(.status.nodeInfo.kubeletVersion)" | halt_error(1) end' "$api_body" 2>&1
}

# own_pods_are_ready: those that every node has, and the machine's own.
own_pods_are_ready() {
    local sick
    api GET "/api/v1/pods?fieldSelector=spec.nodeName%3D$NAME" || { api_said; return 1; }
    sick=$(jq --raw-output '[.items[] | select(any(.metadata.ownerReferences[]?; .kind == "DaemonSet" or .kind == "Node"))
        | select(all(.status.conditions[]?; .type != "Ready" or .status != "True"))
        | "\(.metadata.namespace)/\(.metadata.name)"] | join(", ")' "$api_body")
    [ -z "$sick" ] || { echo "not ready: $sick"; return 1; }
}

# end_change: the gate. Ends what an interrupted run began, too. Pods that can run only here have waited long enough once the
# kubelet serves: they may come back before the rest of the gate.
end_change() {
    local said what
    $at_work || return 0
    read_change
    [ -n "$said" ] || return 0
    what=$(jq --raw-output .what <<<"$said")
    current_unit=kubelet.service
    retry_until 180 "the node $NAME to be ready after the change ($what)" node_is_ready
    take_pods "$said"
    retry_until 180 "the pods of the node itself to be ready after the change ($what)" own_pods_are_ready
    forget_change
    log "over: $what"
    changing=false
    drained=false
}
