#!/bin/bash
# converge of a control plane. All of them run this at the same time; a lock in etcd lets one initialise the cluster, if
# nobody has, and the others join it.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine packages containerd node control-plane-state; do . "$folder/$part.sh"; done
# shellcheck source=/dev/null
for part in maintenance api-server-restart drain rollout upgrade registration upgrade-control-plane digests issuer authorities node-certificates static-pods control-plane-certificates; do . "$folder/$part.sh"; done

# pull_in_background FILE: images that are missing come while this machine waits for others anyway.
pull_in_background() {
    kubeadm config images pull --config "$1" >/var/log/openstack-paas-images.log 2>&1 </dev/null 9>&- &
    pull_process=$!
    at_exit stop_pulling
}
finish_pulling() {
    # A failure is not final: the kubelet pulls again, and says what is wrong.
    wait "$pull_process" || log "not all images could be pulled: $(tail -n 1 /var/log/openstack-paas-images.log)"
    pull_process=
}
stop_pulling() { [ -z "${pull_process:-}" ] || kill "$pull_process" 2>/dev/null; }

prepare_control_plane() {
    install_pki
    if ! is_complete; then
        validate_configuration "$folder/files/init.yaml"
        pull_in_background "$folder/files/init.yaml"
    fi
}

join_control_planes() {
    retry_until 300 "the API at $ENDPOINT (the virtual address) to answer and let nodes join" may_join
    if is_registered >/dev/null 2>&1; then
        log "the cluster knows this node, its join was interrupted: finishing it"
        run_kubeadm "control plane's files" join phase control-plane-prepare all --config "$folder/files/join.yaml"
        run_kubelet
        run_kubeadm "control plane's marks" join phase control-plane-join all --config "$folder/files/join.yaml"
    else
        forget_half_join
        install_pki
        retry_until 180 "the previous node $NAME to be noticed as lost" old_self_is_gone
        forget_old_self
        validate_configuration "$folder/files/join.yaml"
        run_kubeadm "kubeadm join" join --config "$folder/files/join.yaml" "${KUBEADM_FLAGS[@]}"
    fi
    : >"$STATE/joined"
}

become_control_plane() {
    if is_complete; then
        log "already a control plane of the cluster"
        return 0
    fi
    finish_pulling
    locked "$INIT_LOCK" initialise
    if [ ! -e "$STATE/joined" ]; then
        join_control_planes
    fi
}

# locked LOCK SCRIPT: runs a script of the bundle while this machine holds the lock in etcd. A process of its own, so that
# the lock is held exactly as long as it runs. What went wrong in it has been said there; only losing the lock is news.
locked() {
    local status=0
    rm -f "$STATE/locked-failed"
    OPENSTACK_PAAS_STARTED=$started timeout --foreground 420 etcdctl lock --ttl 30 "$1" "$folder/$2" 9>&- || status=$?
    if ((status == 0)); then
        return 0
    elif [ -e "$STATE/locked-failed" ]; then
        exit "$SAID"
    fi
    fail "the lock $1 in etcd was not to be had, or lost (status $status)"
}

# follow_etcd: kubeadm writes etcd's members into the manifest when it makes a control plane, and never again.
follow_etcd() {
    local known
    known=$(sed -nE 's/^ *- --etcd-servers=//p' "$KUBERNETES/manifests/kube-apiserver.yaml")
    if [ "$known" != "$ETCD_ENDPOINTS" ]; then
        log "the API server knows etcd at $known: giving it $ETCD_ENDPOINTS, one control plane at a time"
        locked openstack-paas/api-server etcd-endpoints
    fi
}

serve() {
    current_unit=kubelet.service
    run_kubelet
    retry_until 240 "this machine's own API server to be ready" ready_at "$ADDRESS:$API_PORT"
    retry_until 120 "the node $NAME to be registered at $ENDPOINT" is_registered
    forget_bootstrap
}

# put_objects: machines that join may remove the lost node whose name they have (forget_old_self), and the cluster's DNS does
# not leave all at once when nodes are drained.
put_objects() {
    retry_until 60 "the API to take the platform's own objects" with_kubeconfig "$KUBERNETES/admin.conf" apply \
        --server-side --force-conflicts --field-manager openstack-paas \
        --filename "$folder/files/rights.yaml" --filename "$folder/files/disruption.yaml"
}

step "version" plan_version
prepare_machine
step "epoch" renew_new_machine
step "unused services" disable_services haproxy.service keepalived.service etcd.service
step "firewall" apply_firewall "$folder/files/firewall.nft"
step "volumes" make_volume_directories
step "containerd" run_containerd
step "authorities" guard
step "certificates" prepare_control_plane
step "etcd" wait_for_etcd
step "node" become_control_plane
step "runtime" change_runtime
step "upgrade" upgrade_control_plane
step "API" serve
step "etcd's members" follow_etcd
step "own certificates" renew_control_plane
step "rights" put_objects
step "registration" follow_registration
step "gate" end_change
current_step="control plane"
log "ready"
