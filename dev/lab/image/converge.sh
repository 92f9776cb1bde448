#!/bin/bash
# converge of a machine image: what every role needs is installed, nothing is enabled that no role has asked for. Runs in a
# chroot without systemd (with /proc, /sys, /dev and /run) as well as on a machine.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings packages containerd; do . "$folder/$part.sh"; done

take_lock
step "packages" install_packages
step "containerd" configure_containerd
step "services" disable_services haproxy.service keepalived.service containerd.service kubelet.service etcd.service
apt-get clean
current_step=image
log "ready"
