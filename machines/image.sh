#!/bin/bash
# shellcheck disable=SC2034,SC2153,SC2154
# converge of a machine image: what every role needs is installed, nothing is enabled that no role has asked for. Runs in a
# chroot without systemd (with /proc, /sys, /dev and /run) as well as on a machine.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings packages containerd; do . "$folder/$part.sh"; done

start_containerd() {
    if booted && systemctl is-active --quiet containerd.service; then
        return 0
    fi
    current_log=/var/log/openstack-paas-containerd.log
    # Not by its unit: there may be no systemd here. It ends with this script.
    containerd 9>&- >"$current_log" 2>&1 &
    containerd_process=$!
    at_exit stop_containerd
    retry_until 60 "containerd to answer" containerd_answers
}

stop_containerd() {
    [ -n "${containerd_process:-}" ] || return 0
    kill "$containerd_process" 2>/dev/null || true
    wait "$containerd_process" 2>/dev/null || true
    containerd_process=
}

pull_images() {
    local image seen
    start_containerd
    for image in "${IMAGES[@]}"; do
        if [ -n "$(ctr --namespace k8s.io images list --quiet "name==$image")" ]; then
            continue
        fi
        seen=$(timeout 300 ctr --namespace k8s.io images pull --hosts-dir /etc/containerd/certs.d "$image" 2>&1) \
            || fail "cannot pull $image: $(tail -n 3 <<<"$seen")"
        log "pulled $image"
    done
    stop_containerd
}

take_lock
step "packages" install_packages
step "containerd" configure_containerd
step "services" disable_services haproxy.service keepalived.service containerd.service kubelet.service etcd.service
if [ "${#IMAGES[@]}" -gt 0 ]; then
    step "images" pull_images
fi
apt-get clean
current_step=image
log "ready"
