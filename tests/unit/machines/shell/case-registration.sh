#!/bin/bash
# shellcheck disable=SC2034,SC2154
# Labels, taints and the kubelet's configuration of a node that has joined follow the settings; what others have put on the
# node stays, and a configuration with which the kubelet does not work is taken back.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
mkdir -p "$folder/files" "$ROOT/etc" "$ROOT/var/lib/kubelet" "$ROOT/var/lib/openstack-paas"
flags=$ROOT/var/lib/kubelet/kubeadm-flags.env
configuration=$ROOT/var/lib/kubelet/config.yaml
node=$ROOT/node.json

# The API reads the node from a file and kubectl merges patches into it; lists replace whole, as in a merge patch.
fake curl <<'END'
while (($# > 0)); do
    [ "$1" != --output ] || body=$2
    case $1 in https://*/leases/*) cp "$ROOT/lease.json" "$body" ;; https://*) cp "$ROOT/node.json" "$body" ;; esac
    shift
done
printf 200
END
fake kubectl <<'END'
echo "$*" >>"$ROOT/patched"
while (($# > 1)); do
    [ "$1" != --kubeconfig ] || echo "$2" >"$ROOT/identity"
    [ "$1" != --patch ] || patch=$2
    shift
done
jq --argjson patch "${patch:-$1}" '. * $patch | .metadata.labels |= with_entries(select(.value != null))' "$ROOT/node.json" >"$ROOT/new"
mv "$ROOT/new" "$ROOT/node.json"
END
fake kubeadm <<'END'
echo "$*" >>"$ROOT/kubeadm"
case $* in upgrade*) cat "$ROOT/bundle/files/kubelet.yaml" >"$ROOT/var/lib/kubelet/config.yaml" ;; esac
END
# A kubelet reports at once, unless its configuration is broken.
fake systemctl <<'END'
echo "$*" >>"$ROOT/systemctl"
case $* in
    restart*) grep -q broken "$ROOT/var/lib/kubelet/config.yaml" \
        || echo "{\"spec\": {\"renewTime\": \"$(date --utc --date '+1 second' +%Y-%m-%dT%H:%M:%S.%6NZ)\"}}" >"$ROOT/lease.json" ;;
esac
END
fake chown </dev/null

# What converge does, with words in place of the parts of other scripts that it calls.
cat >"$ROOT/follow" <<'END'
folder=$ROOT/bundle
for part in common/lib common/services kubernetes/drain; do . "$SCRIPTS/$part.sh"; done
KUBERNETES=$ROOT/etc NAME=worker-1 ENDPOINT=192.0.2.5:6443 API=192.0.2.5:6443 API_IDENTITY=() KUBELET_SECONDS=1
BOOTSTRAP_KUBECONFIG=bootstrap.conf
with_kubeconfig() { local kubeconfig=$1; shift; kubectl --kubeconfig "$kubeconfig" "$@"; }
run_kubeadm() { shift; kubeadm "$@"; }
restart_kubelet() { systemctl restart kubelet.service; }
begin_change() { echo "$*" >>"$ROOT/changes"; }
. "$SCRIPTS/kubernetes/registration.sh"
eval "$(sed -n '/^is_control_plane()/p' "$SCRIPTS/kubernetes/node.sh")"
. "$ROOT/settings.sh"
follow_registration
END
follow() { outcome bash "$ROOT/follow"; }
settings() { printf '%s\n' "at_work=${3:-true}" "NODE_LABELS=($1)" "NODE_TAINTS=($2)" >"$ROOT/settings.sh"; }
changes() { cat "$ROOT/changes" 2>/dev/null || true; }

cat >"$node" <<'END'
{"metadata": {"resourceVersion": "7", "labels": {"pool": "a", "disk": "ssd", "by-hand": "yes", "kubernetes.io/os": "linux"}},
 "spec": {"taints": [{"key": "dedicated", "value": "database", "effect": "NoSchedule"},
                     {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "now"}]}}
END
echo 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --node-labels=disk=ssd,pool=a --register-with-taints=dedicated=database:NoSchedule"' >"$flags"
echo 'maxPods: 110' | tee "$configuration" >"$folder/files/kubelet.yaml"
echo '{"spec": {"renewTime": "2000-01-01T00:00:00.000000Z"}}' >"$ROOT/lease.json"

# Nothing has changed: the object and the kubelet are left alone.
settings 'disk=ssd pool=a' 'dedicated=database:NoSchedule'
follow
expect "nothing to do" "$status: $(cat "$ROOT/patched" 2>/dev/null) $(cat "$ROOT/systemctl" 2>/dev/null)" "0:  "
expect "changes" "$(changes)" ""
: >"$ROOT/kubeadm"

# Another label, one less, and another taint; what others have written stays.
settings 'pool=b zone=north' 'dedicated=web:NoSchedule other:PreferNoSchedule'
follow
expect "labels and taints" "$status" 0
expect "labels" "$(jq --compact-output .metadata.labels "$node")" \
    '{"pool":"b","by-hand":"yes","kubernetes.io/os":"linux","zone":"north"}'
expect "taints" "$(jq --raw-output '[.spec.taints[] | "\(.key)=\(.value // ""):\(.effect)"] | join(" ")' "$node")" \
    "node.kubernetes.io/unschedulable=:NoSchedule dedicated=web:NoSchedule other=:PreferNoSchedule"
expect_contains "the version of the object" "$(cat "$ROOT/patched")" '"resourceVersion":"7"'
expect "by whom" "$(cat "$ROOT/identity")" bootstrap.conf
expect "flags" "$(cat "$flags")" 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --node-labels=pool=b,zone=north --register-with-taints=dedicated=web:NoSchedule,other:PreferNoSchedule"'
expect "no pod leaves" "$(changes)" ""
rm "$ROOT/patched"
follow
[ ! -e "$ROOT/patched" ]

# None at all; and a taint that drives pods away lets them leave by eviction first.
settings '' 'away:NoExecute'
follow
expect "flags" "$(cat "$flags")" 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7 --register-with-taints=away:NoExecute"'
expect "labels" "$(jq --compact-output .metadata.labels "$node")" '{"by-hand":"yes","kubernetes.io/os":"linux"}'
expect "pods leave first" "$(changes)" "taints drained"
rm "$ROOT/changes"

# A control plane: kubeadm's mark goes when pods may run there, and comes back.
touch "$ROOT/etc/admin.conf" "$folder/files/init.yaml"
jq '.spec.taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]' "$node" >"$ROOT/new"
mv "$ROOT/new" "$node"
echo 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7"' >"$flags"
settings '' ''
follow
expect "schedulable" "$(jq --compact-output .spec.taints "$node")" '[]'
expect "by whom" "$(cat "$ROOT/identity")" "$ROOT/etc/admin.conf"
settings '' 'node-role.kubernetes.io/control-plane=:NoSchedule'
follow
expect "not schedulable" "$(jq --compact-output .spec.taints "$node")" \
    '[{"key":"node-role.kubernetes.io/control-plane","effect":"NoSchedule"}]'
expect "flags" "$(cat "$flags")" 'KUBELET_KUBEADM_ARGS="--node-ip=192.0.2.7"'
follow
expect "kubeadm is not asked again" "$(cat "$ROOT/kubeadm")" ""

# The kubelet's configuration: a control plane brings it to the cluster, and the kubelet starts again with it.
echo 'maxPods: 50' >"$folder/files/kubelet.yaml"
follow
expect "configuration" "$status $(cat "$configuration")" "0 maxPods: 50"
expect "kubeadm" "$(cut -d ' ' -f 1-4 "$ROOT/kubeadm" | tr '\n' ',')" "init phase upload-config kubelet,upgrade node phase kubelet-config,"
expect "changes" "$(changes)" "configuration of the kubelet"
expect "the kubelet" "$(cat "$ROOT/systemctl")" "restart kubelet.service"

# One that does not work is taken back, and tried again by the next run.
echo 'broken: true' >"$folder/files/kubelet.yaml"
for _ in 1 2; do
    sleep 1
    follow
    expect "a broken configuration" "$status $(cat "$configuration")" "70 maxPods: 50"
    expect_contains "a broken configuration" "$output" "it runs with the previous one again"
done
: >"$ROOT/kubeadm"
echo 'maxPods: 50' >"$folder/files/kubelet.yaml"
follow
expect_contains "the way back" "$status $(cat "$ROOT/kubeadm")" "0 init phase upload-config kubelet"
echo 'maxPods: 60' >"$folder/files/kubelet.yaml"
# A run that ended after kubeadm and before the kubelet.
echo 'maxPods: 50' >"$ROOT/var/lib/openstack-paas/kubelet-configuration"
echo 'maxPods: 60' >"$configuration"
: >"$ROOT/systemctl"
follow
expect "an interrupted run" "$status $(cat "$ROOT/systemctl")" "0 restart kubelet.service"

# A node that has just joined has it already.
: >"$ROOT/kubeadm"
echo 'maxPods: 70' >"$folder/files/kubelet.yaml"
settings '' '' false
follow
expect "a new node" "$status $(cat "$ROOT/kubeadm")" "0 "
