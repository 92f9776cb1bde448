#!/bin/bash
# shellcheck disable=SC2016
# Takes a node out of the cluster before its machine goes, unless that would lose data. Runs on the gateway that holds the
# virtual address: leave.sh NODE ENDPOINT DRAIN_SECONDS BARE_PODS [DATA], the administrator's certificate and key on standard input.
# The command that calls it may be of an earlier release: the arguments keep their order.
folder=$(dirname "$(readlink -f "$0")")
# DATA, where the machine is replaced: `kept`, its volumes come back with it; `lose`, the stack file gives them up.
readonly NODE=$1 ENDPOINT=$2 DRAIN_SECONDS=$3 BARE_PODS=$4 DATA=${5:-}
# shellcheck source=/dev/null
for part in lib administrator drain; do . "$folder/$part.sh"; done

# What the stack file says now does not reach a machine that is not in it any more.
FOR_GOOD=
# By which people say that the volumes on the node may be lost: `kubectl annotate node NAME openstack-paas/volumes=lose`.
readonly VOLUMES=openstack-paas/volumes
# Several nodes that leave in one run do so one after another, so that pods of the second find the first one's elsewhere.
# Dozens of them, with drains of a minute.
readonly TURN=${ROOT:-}/run/lock/openstack-paas-leave-$UID
readonly TURN_SECONDS=${TURN_SECONDS:-3600}

# asked METHOD PATH WHAT: an answer, or that there is no such thing (status 1); anything else ends the run.
asked() {
    ! ask "$1" "$2" || return 0
    case $api_status in
        404) return 1 ;;
        401 | 403) fail "cannot $3: $(api_said). The certificate is that of the last \`up\` that had this machine: take the" \
            "machine into the stack file again, run \`up\`, then remove it" ;;
        *) fail "cannot $3 at $ENDPOINT: $(api_said)" ;;
    esac
}

# find_node: sets known (the cluster has such a node), ready (its machine answers), may_lose (its volumes may be lost).
find_node() {
    known=false ready=false may_lose=false
    asked GET "/api/v1/nodes/$NODE" "read the node $NODE" || return 0
    known=true
    ready=$(jq '[.status.conditions[]? | select(.type == "Ready") | .status] == ["True"]' "$api_body")
    may_lose=$(jq --arg key "$VOLUMES" '.metadata.annotations[$key] == "lose"' "$api_body")
}

# What lies on this node alone and somebody has a claim on, or has kept after the claim: "CLAIM (volume NAME)" a line.
readonly ONLY_HERE='$claims[0] as $uids
    | .items[]
    | select((.spec.nodeAffinity.required.nodeSelectorTerms // []) | length > 0 and all(
        any(.matchExpressions[]?; .key == "kubernetes.io/hostname" and .operator == "In" and .values == [$node])
        or any(.matchFields[]?; .key == "metadata.name" and .values == [$node])))
    | (.spec.claimRef // {}) as $claim
    | select(any($uids[]; . == $claim.uid)
        or (.spec.persistentVolumeReclaimPolicy == "Retain" and .status.phase == "Released"))
    | "\($claim.namespace)/\($claim.name) (volume \(.metadata.name))"'

# find_volumes: fills `volumes`. A claim that is being deleted has been given up.
find_volumes() {
    local claims
    claims=$(temporary)
    asked GET /api/v1/persistentvolumeclaims "list claims" || fail "the API knows no claims"
    jq '[.items[].metadata | select(.deletionTimestamp == null) | .uid]' "$api_body" >"$claims"
    asked GET /api/v1/persistentvolumes "list volumes" || fail "the API knows no volumes"
    mapfile -t volumes < <(jq --raw-output --arg node "$NODE" --slurpfile claims "$claims" "$ONLY_HERE" "$api_body" | sort)
}

keep_volumes() {
    local listed
    [ "$DATA" != kept ] || return 0
    find_volumes
    ((${#volumes[@]} > 0)) || return 0
    listed=$(printf ', %s' "${volumes[@]}")
    listed=${listed#, }
    if [ "$DATA" = lose ]; then
        log "going on though data is lost, as rollout.loseVolumes says: $listed"
        return 0
    fi
    if [ "$may_lose" = true ]; then
        log "going on though data is lost, as $VOLUMES=lose on the node says: $listed"
        return 0
    fi
    fail "the disk of $NODE holds data that is nowhere else: $listed. The machine stays as it is. Move the data, or delete each" \
        "claim that may begin empty elsewhere (kubectl cordon $NODE; kubectl -n NAMESPACE delete pvc CLAIM --wait=false; delete" \
        "its pod), or give all of it up (kubectl annotate node $NODE $VOLUMES=lose); then run \`up\` again (docs/scaling.md)"
}

# free_node: pods leave as long as the machine answers; one that is lost meanwhile is waited for no longer.
free_node() {
    cordon "$NODE"
    exec 8>"$TURN"
    flock --wait "$TURN_SECONDS" 8 || fail "other nodes are still leaving after $TURN_SECONDS s; run \`up\` again"
    if (drain "$NODE" "$DRAIN_SECONDS"); then
        return 0
    fi
    find_node
    [ "$ready" = false ] || fail "the machine stays, cordoned (kubectl uncordon $NODE takes that back), and the next \`up\` goes on"
    log "the machine has been lost meanwhile"
}

# remove_node: its object, and with that what the cluster knows of its machine.
remove_node() {
    asked DELETE "/api/v1/nodes/$NODE" "delete the node $NODE" || true
    log "the node $NODE is gone"
}

current_step=leave
find_node
keep_volumes
if [ "$known" = false ]; then
    log "the cluster has no node $NODE"
    exit 0
fi
if [ "$ready" = true ]; then
    free_node
    # Nothing was there before; a pod that came in the same moment may have brought a volume.
    keep_volumes
else
    log "the node is not Ready: its machine is lost, no pod is waited for"
fi
remove_node
