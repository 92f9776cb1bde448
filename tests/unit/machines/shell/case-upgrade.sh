#!/bin/bash
# shellcheck disable=SC2154,SC2034
# Which version changes a node takes, what waits meanwhile, and in which order a worker does what.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
mkdir -p "$ROOT/var/lib/openstack-paas"
export CALLS=$ROOT/calls
: >"$CALLS"
# shellcheck disable=SC2016  # for the fake itself
fake dpkg-query <<'END'
[ -e "$ROOT/kubelet" ] && [ "${*: -1}" = kubelet ] && echo "installed $(cat "$ROOT/kubelet")"
END

cat >"$ROOT/node" <<'END'
folder=$ROOT/bundle
. "$SCRIPTS/common/lib.sh"
. "$SCRIPTS/common/packages.sh"
. "$SCRIPTS/kubernetes/upgrade.sh"
KUBELET_KUBECONFIG=$ROOT/kubelet.conf
begin_change() { echo "begin $*" >>"$CALLS"; }
change_packages() { echo "packages $*" >>"$CALLS"; }
download_deferred() { echo "download" >>"$CALLS"; }
restart_kubelet() { echo "restart" >>"$CALLS"; }
run_kubeadm() { echo "$1" >>"$CALLS"; [ ! -e "$ROOT/kubeadm-fails" ] || fail "$1 failed"; }
KUBEADM_FLAGS=()
current_step=version
plan_version
"$@"
END
on_node() { KUBERNETES_VERSION=$1 bash "$ROOT/node" "${@:2}"; }
# shellcheck disable=SC2016  # for the other shell
show='echo "$at_work:${DEFERRED[*]}"'

# A machine that is not a node yet takes any version at once.
echo 1.34.2-1.1 >"$ROOT/kubelet"
expect "new" "$(on_node 1.35.0 eval "$show")" "false:"

# One that runs keeps its kubelet for now.
: >"$ROOT/var/lib/openstack-paas/joined"
echo conf >"$ROOT/kubelet.conf"
expect "same version" "$(on_node 1.34.2 eval "$show")" "true:containerd runc"
expect_contains "next minor" "$(on_node 1.35.0 eval "$show")" "true:containerd runc kubelet kubectl kubernetes-cni"
expect_contains "next patch" "$(on_node 1.34.10 eval "$show")" "true:containerd runc kubelet kubectl kubernetes-cni"

# Neither down nor over a minor version, whatever the stack's outputs may have said.
outcome on_node 1.34.1 true
expect "down: status" "$status" 70
expect_contains "down" "$output" "Set kubernetes.version to 1.34.2"
outcome on_node 1.33.9 true
expect "down a minor: status" "$status" 70
outcome on_node 1.36.1 true
expect "skip: status" "$status" 70
expect_contains "skip" "$output" "Bring up 1.35 first"

# A worker: fetched before it is emptied, changed while it is empty.
outcome on_node 1.35.0 upgrade_worker
expect "status" "$status" 0
expect "order" "$(cat "$CALLS")" "download
kubeadm upgrade node
begin Kubernetes 1.34.2 to 1.35.0 drained
packages kubelet kubectl kubernetes-cni
restart"

# Interrupted in kubeadm's part: the next run does that again, though the kubelet is of the right version by then.
: >"$CALLS"
: >"$ROOT/kubeadm-fails"
outcome on_node 1.35.0 upgrade_worker
expect "status" "$status" 70
rm "$ROOT/kubeadm-fails"
echo 1.35.0-1.1 >"$ROOT/kubelet"
outcome on_node 1.35.0 upgrade_worker
expect "status" "$status" 0
expect "what was done again" "$(tail -n 2 "$CALLS")" $'download\nkubeadm upgrade node'

# Nothing to do, nothing done.
: >"$CALLS"
outcome on_node 1.35.0 upgrade_worker
expect "calls" "$(cat "$CALLS")" ""
