#!/bin/bash
# converge of a worker: joins the cluster once its API answers. That is asked through the machine's own balancer.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine packages containerd node maintenance drain rollout upgrade registration digests authorities node-certificates; do
    . "$folder/$part.sh"
done

join_workers() {
    retry_until 300 "an API server to answer through this machine's balancer ($ENDPOINT) and let nodes join" may_join
    if is_registered >/dev/null 2>&1; then
        log "already a node of the cluster"
        return 0
    fi
    forget_half_join
    retry_until 180 "the previous node $NAME to be noticed as lost" old_self_is_gone
    forget_old_self
    validate_configuration "$folder/files/join.yaml"
    run_kubeadm "kubeadm join" join --config "$folder/files/join.yaml" "${KUBEADM_FLAGS[@]}"
}

# balance_api: before anything asks the API. Whether an API server answers is for those that ask to say.
balance_api() {
    local settings=/etc/systemd/system/haproxy.service.d/50-openstack-paas.conf
    install_file "$folder/files/openstack-paas-haproxy.conf" "$settings"
    install_file -c "haproxy -c -q -f" "$folder/files/haproxy.cfg" /etc/haproxy/haproxy.cfg
    apply_service haproxy.service reload /etc/haproxy/haproxy.cfg
}

keep_volumes_usable() {
    local unit=openstack-paas-volume-folders
    install_file -m 0755 "$folder/volume-folders.sh" "/usr/local/sbin/$unit"
    install_file "$folder/files/$unit.service" "/etc/systemd/system/$unit.service"
    install_file "$folder/files/$unit.path" "/etc/systemd/system/$unit.path"
    apply_service "$unit.path" restart "/etc/systemd/system/$unit.path"
    "/usr/local/sbin/$unit" "${VOLUME_DIRECTORIES[@]}"
}

become_node() {
    current_unit=kubelet.service
    # A node that has joined does not ask whether it may join: it has forgotten the certificate for that.
    $at_work || join_workers
    run_kubelet
    retry_until 180 "the node $NAME to be registered at $ENDPOINT" is_registered
    : >"$STATE/joined"
}

register() {
    follow_registration
    forget_bootstrap
}

step "version" plan_version
prepare_machine
step "epoch" renew_new_machine
step "unused services" disable_services keepalived.service etcd.service
step "firewall" apply_firewall "$folder/files/firewall.nft"
step "API's balancer" balance_api
step "volumes" make_volume_directories
step "volumes' folders" keep_volumes_usable
step "containerd" run_containerd
step "authorities" guard_authorities
step "node" become_node
step "runtime" change_runtime
# An epoch may have brought another haproxy.
step "API's balancer" balance_api
step "upgrade" upgrade_worker
step "own certificates" renew_worker
step "registration" register
step "gate" end_change
current_step=worker
log "ready"
