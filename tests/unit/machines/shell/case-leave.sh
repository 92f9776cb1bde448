#!/bin/bash
# shellcheck disable=SC2154
# A node leaves the cluster: drained and removed where its machine answers, removed at once where that is lost, and never
# where its disk holds data that somebody has a claim on.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
cp "$SCRIPTS/common/lib.sh" "$SCRIPTS/kubernetes/drain.sh" "$SCRIPTS/gateway/administrator.sh" "$SCRIPTS/gateway/leave.sh" "$folder"
export DRAIN_INTERVAL=0.2 TURN_SECONDS=1 MEMORY=$ROOT/memory
mkdir -p "$ROOT/run/lock" "$ROOT/api" "$MEMORY"

# The API: what is asked is written down; a GET is answered from a file, and an eviction is refused while there is a budget.
fake curl <<'END'
while (($# > 0)); do
    case $1 in
        --request) method=$2; shift ;;
        --output) body=$2; shift ;;
        --data) data=$2; shift ;;
        --cert) [ "$(cat "$2")" = "certificate and key" ] || exit 58; shift ;;
        https://*) path=${1#https://192.0.2.5:6443} ;;
    esac
    shift
done
file=${path#/api/v1/}
file=$ROOT/api/${file%%[/?]*}
status=200
if [ -e "$ROOT/refused" ]; then
    status=401
elif [ "$method" = GET ]; then
    cat "$file" >"$body" 2>/dev/null || status=404
else
    echo "$method $path${data:+ $data}" >>"$ROOT/asked"
    case $method$path in
        *eviction)
            if [ -e "$ROOT/budget" ]; then
                status=429
                echo '{"message": "Cannot evict", "details": {"causes": [{"message": "The disruption budget web needs 1"}]}}' >"$body"
                [ ! -e "$ROOT/dies" ] || sed -i 's/"True"/"Unknown"/' "$ROOT/api/nodes"
            else
                echo '{"items": []}' >"$ROOT/api/pods"
            fi
            ;;
        DELETE*) rm -f "$ROOT/api/nodes" ;;
    esac
fi
printf %s "$status"
END
# node READY ANNOTATIONS
node() {
    echo "{\"metadata\": {\"annotations\": $2}, \"status\": {\"conditions\": [{\"type\": \"Ready\", \"status\": \"$1\"}]}}" \
        >"$ROOT/api/nodes"
}
# begin READY [ANNOTATIONS]: a node with one pod, and nothing of the run before.
begin() {
    rm -f "$ROOT/asked" "$ROOT/budget" "$ROOT/dies"
    : >"$ROOT/asked"
    node "$1" "${2:-{\}}"
    cat >"$ROOT/api/pods" <<'END'
{"items": [{"metadata": {"namespace": "default", "name": "web-1", "uid": "u1",
    "ownerReferences": [{"kind": "ReplicaSet", "controller": true}]}, "spec": {}, "status": {"phase": "Running"}}]}
END
}
# volume NODE CLAIM_UID [POLICY PHASE]: a volume that can only be used there.
volume() {
    cat <<END
{"metadata": {"name": "pv-$2"}, "status": {"phase": "${4:-Bound}"},
 "spec": {"persistentVolumeReclaimPolicy": "${3:-Delete}", "claimRef": {"namespace": "database", "name": "data-$2", "uid": "$2"},
  "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
   {"key": "kubernetes.io/hostname", "operator": "In", "values": ["$1"]}]}]}}}}
END
}
# volumes JSON...: what the cluster has.
volumes() { printf '%s\n' "$@" | jq --slurp '{items: .}' >"$ROOT/api/persistentvolumes"; }
echo '{"items": [{"metadata": {"uid": "1"}}, {"metadata": {"uid": "2", "deletionTimestamp": "now"}}]}' \
    >"$ROOT/api/persistentvolumeclaims"
# leave: afterwards nothing of it is in memory.
leave() {
    outcome bash "$folder/leave.sh" worker-1 192.0.2.5:6443 2 refuse "$@" <<<"certificate and key"
    expect "what is left in memory" "$(ls "$MEMORY")" ""
}
asked() { cut -d ' ' -f 1,2 "$ROOT/asked" | tr '\n' ' '; }
readonly CORDONED='PATCH /api/v1/nodes/worker-1 '
readonly EVICTED='POST /api/v1/namespaces/default/pods/web-1/eviction '
readonly REMOVED='DELETE /api/v1/nodes/worker-1 '

# Volumes of others, of claims that are gone or given up, and one that may be used elsewhere, hold nothing up.
shared=$(volume worker-1 1 | jq '.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values += ["worker-2"]')
volumes "$(volume worker-2 1)" "$(volume worker-1 2)" "$(volume worker-1 3)" "$shared" '{"metadata": {"name": "nfs"}, "spec": {}}'
begin True
# What a run that was killed has left goes: `leave` looks whether anything stays.
mkdir "$MEMORY/openstack-paas-leave.killed"
touch --date "2 days ago" "$MEMORY/openstack-paas-leave.killed"
leave
expect "a node that answers" "$status" 0
expect "what was asked" "$(asked)" "$CORDONED$EVICTED$REMOVED"
leave
expect "a node that is gone" "$status" 0
expect_contains "a node that is gone" "$output" "the cluster has no node worker-1"
expect "what was asked" "$(asked)" "$CORDONED$EVICTED$REMOVED"

# A lost machine: nobody waits for its pods.
begin Unknown
leave
expect "a lost machine" "$status" 0
expect "what was asked" "$(asked)" "$REMOVED"

# Data: nothing is touched, not even by a cordon; a lost machine, and a node whose object is gone, have it all the same.
volumes "$(volume worker-1 1)" "$(volume worker-1 4 Retain Released)"
for ready in True Unknown; do
    begin "$ready"
    leave
    expect "data on the node" "$status" 70
    expect_contains "data on the node" "$output" "database/data-1 (volume pv-1), database/data-4 (volume pv-4)"
    expect_contains "data on the node" "$output" "kubectl annotate node worker-1 openstack-paas/volumes=lose"
    expect "what was asked" "$(asked)" ""
done
rm "$ROOT/api/nodes"
leave
expect "data, and no node" "$status" 70
begin True '{"openstack-paas/volumes": "lose"}'
leave
expect "data that may be lost" "$status" 0
expect_contains "data that may be lost" "$output" "data is lost, as openstack-paas/volumes=lose on the node says: database/data-1"
expect "what was asked" "$(asked)" "$CORDONED$EVICTED$REMOVED"
# A machine that is replaced: the stack file gives the data up, or it comes back with it.
for data in lose kept; do
    begin True
    leave "$data"
    expect "a machine that is replaced" "$status" 0
    expect "what was asked" "$(asked)" "$CORDONED$EVICTED$REMOVED"
done
volumes

# A budget: the limit, with pod and budget named; the node stays, and the next run goes on.
begin True
touch "$ROOT/budget"
leave
expect "a budget" "$status" 70
expect_contains "a budget" "$output" "default/web-1: HTTP status 429: Cannot evict The disruption budget web needs 1"
expect_contains "a budget" "$output" "kubectl uncordon worker-1"
[[ $(asked) != *DELETE* ]]
rm "$ROOT/budget"
leave
expect "the next run" "$status" 0

# A machine that is lost while it is waited for.
begin True
touch "$ROOT/budget" "$ROOT/dies"
leave
expect "lost meanwhile" "$status" 0
expect_contains "lost meanwhile" "$output" "the machine has been lost meanwhile"
[[ $(asked) == *"$REMOVED" ]]

# Others are leaving still.
begin True
exec 7>"$ROOT/run/lock/openstack-paas-leave-$UID"
flock 7
leave
expect "others are leaving" "$status" 70
expect "what was asked" "$(asked)" "$CORDONED"
exec 7>&-

touch "$ROOT/refused"
leave
expect "an old certificate" "$status" 70
expect_contains "an old certificate" "$output" "The certificate is that of the last \`up\` that had this machine"
