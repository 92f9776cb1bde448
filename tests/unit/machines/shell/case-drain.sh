#!/bin/bash
# shellcheck disable=SC2154,SC2034
# Pods leave a node by eviction: those without claims first, budgets are honoured, and what holds a drain up is named.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
export PODS=$ROOT/pods CALLS=$ROOT/calls HELD=$ROOT/held
mkdir -p "$PODS"

# pod NAME OWNER [CLAIM|-] [PHASE] [ANNOTATION]: a pod of the API below, which keeps each as a file.
pod() {
    jq --null-input --arg name "$1" --arg owner "$2" --arg claim "${3:--}" --arg phase "${4:-Running}" --arg mark "${5:-}" '
        {metadata: {namespace: "default", name: $name, uid: "uid-\($name)",
                    annotations: (if $mark == "" then null else {($mark): "x"} end),
                    ownerReferences: (if $owner == "-" then null else [{kind: $owner, controller: true}] end)},
         spec: {volumes: (if $claim == "-" then [] else [{persistentVolumeClaim: {claimName: $claim}}] end)},
         status: {phase: $phase}}' >"$PODS/$1"
}

# An API that deletes what is evicted, unless a budget holds it.
fake curl <<'END'
while (($#)); do
    case $1 in
        --request) method=$2; shift ;;
        --data) body=$2; shift ;;
        --output) output=$2; shift ;;
        https://*) path=${1#https://*/} ;;
    esac
    shift
done
status=200
case "$method $path" in
    "GET api/v1/pods?fieldSelector=spec.nodeName%3Da-node") cat "$PODS"/* /dev/null | jq --slurp '{items: .}' >"$output" ;;
    "PATCH api/v1/nodes/a-node") echo "patch $body" >>"$CALLS" ;;
    POST*/eviction)
        name=$(jq --raw-output .metadata.name <<<"$body")
        [ "$(jq --raw-output .deleteOptions.preconditions.uid <<<"$body")" = "uid-$name" ] || exit 9
        if [ -e "$HELD-$name" ]; then
            echo "refused $name" >>"$CALLS"
            echo '{"message": "Cannot evict", "details": {"causes": [{"message": "The budget keep needs 1 healthy pod"}]}}' >"$output"
            status=429
            # The budget lets it go after some questions.
            [ "$(grep -c "^refused $name" "$CALLS")" -lt "$(cat "$HELD-$name")" ] || rm "$HELD-$name"
        else
            echo "evicted $name" >>"$CALLS"
            rm "$PODS/$name"
        fi
        ;;
    *) status=404 ;;
esac
printf '%s' "$status"
END

cat >"$ROOT/drain" <<'END'
folder=$ROOT/bundle
. "$SCRIPTS/common/lib.sh"
. "$SCRIPTS/kubernetes/drain.sh"
API=10.0.0.5:6443 API_IDENTITY=(--cacert ca.crt) DRAIN_INTERVAL=0.05
"$@"
END
on_node() { bash "$ROOT/drain" "$@"; }

# Two ordinary pods and one with a claim leave, in that order; the rest stays.
pod database StatefulSet data
pod web-1 ReplicaSet
pod web-2 ReplicaSet
pod proxy DaemonSet
pod kube-apiserver Node - Running kubernetes.io/config.mirror
pod "done" Job - Succeeded
outcome on_node drain a-node 20
expect "status" "$status" 0
expect "order" "$(cat "$CALLS")" $'evicted web-1\nevicted web-2\nevicted database'
expect "what stays" "$(ls "$PODS")" $'done\nkube-apiserver\nproxy'
expect_contains "output" "$output" "3 pods have to leave"

# A budget is waited for.
rm "$CALLS"
pod web-3 ReplicaSet
echo 3 >"$HELD-web-3"
outcome on_node drain a-node 20
expect "status" "$status" 0
expect "questions" "$(cat "$CALLS")" $'refused web-3\nrefused web-3\nrefused web-3\nevicted web-3'

# Not for longer than the limit; the message says who holds it and what can be done.
pod web-4 ReplicaSet
echo 100000 >"$HELD-web-4"
outcome on_node drain a-node 1
expect "status" "$status" 70
for part in "default/web-4" "The budget keep needs 1 healthy pod" rollout.drainSeconds; do
    expect_contains "message" "$output" "$part"
done
rm "$PODS/web-4"

# Pods that nothing would create again hold it up before any other leaves, unless the settings let them go.
rm "$CALLS"
pod alone -
pod web-5 ReplicaSet
outcome on_node drain a-node 5
expect "status" "$status" 70
expect_contains "message" "$output" "default/alone"
expect_contains "message" "$output" rollout.barePods
expect "evictions" "$(cat "$CALLS" 2>/dev/null)" ""
BARE_PODS=delete outcome on_node drain a-node 5
expect "status" "$status" 0
expect "evictions" "$(cat "$CALLS")" $'evicted alone\nevicted web-5'

# The node's own object.
rm "$CALLS"
on_node cordon a-node
on_node uncordon a-node
expect "patches" "$(cat "$CALLS")" $'patch {"spec": {"unschedulable": true}}\npatch {"spec": {"unschedulable": null}}'
outcome on_node cordon b-node
expect "status" "$status" 70
expect_contains "message" "$output" "HTTP status 404"
