# shellcheck shell=bash
# Another version of Kubernetes on a node that runs: which packages wait, and how the kubelet changes. Sourced after
# maintenance.sh and rollout.sh. Nothing is remembered but that kubeadm's part was begun: all else shows on the machine.

# There while kubeadm's part of an upgrade has been begun and not ended.
readonly UPGRADING=$STATE/upgrading
# What a pod's containers run by: these packages change while no pod is here.
readonly KUBELET_PACKAGES=(kubelet kubectl kubernetes-cni)
at_work=false
kubelet_was=

# refuse_kubernetes_jump FROM TO: Kubernetes goes up, by one minor version at a time
# (https://kubernetes.io/releases/version-skew-policy/). A preview says so too, but it knows only what the last `up` that
# ended well brought.
refuse_kubernetes_jump() {
    [ "$(printf '%s\n' "$1" "$2" | sort --version-sort | sed -n 1p)" = "$1" ] \
        || fail "this node runs Kubernetes $1 and $2 is wanted: Kubernetes does not go back. Set kubernetes.version to $1"
    (($(minor_of "$2") - $(minor_of "$1") <= 1)) \
        || fail "this node runs Kubernetes $1 and $2 is wanted: that skips a minor version. Bring up 1.$(($(minor_of "$1") + 1)) first"
}

# plan_version: first of all. On a node that runs another kubelet, its packages wait for their turn.
plan_version() {
    if [ ! -e "$STATE/joined" ] || [ ! -s "$KUBELET_KUBECONFIG" ]; then
        return 0
    fi
    at_work=true
    DEFERRED=(containerd runc)
    kubelet_was=$(plain_version kubelet)
    if [ -n "$kubelet_was" ] && [ "$kubelet_was" != "$KUBERNETES_VERSION" ]; then
        refuse_kubernetes_jump "$kubelet_was" "$KUBERNETES_VERSION"
        DEFERRED+=("${KUBELET_PACKAGES[@]}")
        log "this node runs Kubernetes $kubelet_was and is to have $KUBERNETES_VERSION"
    fi
}

changes_kubelet() { $at_work && [ "$kubelet_was" != "$KUBERNETES_VERSION" ]; }

# upgrade_node: what kubeadm does on a worker, and on a control plane after the first.
upgrade_node() {
    run_kubeadm "kubeadm upgrade node" upgrade node "${KUBEADM_FLAGS[@]}"
}

# change_kubelet: the packages are here already, so that pods which can run only here are away for a moment.
change_kubelet() {
    changes_kubelet || return 0
    begin_change "Kubernetes $kubelet_was to $KUBERNETES_VERSION" drained
    change_packages "${KUBELET_PACKAGES[@]}"
    restart_kubelet
    kubelet_was=$KUBERNETES_VERSION
}

restart_kubelet() {
    current_unit=kubelet.service
    systemctl restart kubelet.service
    log "restarted kubelet.service"
}

# upgrade_worker: kubeadm writes the kubelet's new configuration, then the kubelet changes.
upgrade_worker() {
    if changes_kubelet || [ -e "$UPGRADING" ]; then
        : >"$UPGRADING"
        download_deferred
        upgrade_node
        change_kubelet
        rm -f "$UPGRADING"
    fi
}
