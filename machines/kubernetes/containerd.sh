# shellcheck shell=bash
# containerd, configured the same in an image that is baked and on a machine. Sourced after lib.sh and settings.sh;
# what changes it while it runs is called after maintenance.sh and rollout.sh.

# What it reads when it starts. Registries are read at each pull.
readonly CONTAINERD_READS=(/etc/containerd/config.toml /etc/systemd/system/containerd.service.d/50-openstack-paas-proxy.conf)

# may_lower_oom_score: in a container without CAP_SYS_RESOURCE (bit 24) nobody may make a process harder to kill.
may_lower_oom_score() {
    local bounding
    bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
    (((16#$bounding >> 24) & 1))
}

configure_containerd() {
    local rendered restrict=true host
    current_unit=containerd.service
    if may_lower_oom_score; then
        restrict=false
    fi
    rendered=$(temporary)
    sed -e "s/@RESTRICT_OOM_SCORE_ADJ@/$restrict/" -- "$folder/files/containerd.toml" >"$rendered"
    install_file -c "containerd_accepts" "$rendered" /etc/containerd/config.toml
    for host in "$folder"/files/registries/*; do
        install_file "$host" "/etc/containerd/certs.d/${host##*/}/hosts.toml"
    done
    # An image is baked without the proxy of the machines that will be made of it.
    [ ! -e "$folder/files/service-proxy.conf" ] ||
        install_or_remove "$folder/files/service-proxy.conf" /etc/systemd/system/containerd.service.d/50-openstack-paas-proxy.conf
}

containerd_accepts() { containerd --config "$1" config dump >/dev/null; }

# containerd_answers: its socket is there before it serves.
containerd_answers() { timeout 5 ctr version; }

run_containerd() {
    configure_containerd
    apply_service containerd.service restart "${CONTAINERD_READS[@]}"
    retry_until 60 "containerd to answer" containerd_answers
}

# change_runtime: other packages, or an epoch, on a node that runs, while no pods are here but the node's own. Their
# containers go on while containerd restarts.
change_runtime() {
    local change
    # shellcheck disable=SC2154  # upgrade.sh, for those that call this
    $at_work || return 0
    change=$(what_waits containerd runc)
    if epoch_waits; then
        change+="${change:+, }the epoch $EPOCH"
    fi
    [ -n "$change" ] || return 0
    fetch_packages
    begin_change "$change" drained
    change_packages containerd runc
    renew_packages
    restart_service containerd.service "${CONTAINERD_READS[@]}"
    retry_until 60 "containerd to answer" containerd_answers
    end_epoch
}
