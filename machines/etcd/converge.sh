#!/bin/bash
# converge of a member of etcd.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine packages maintenance membership membership-changes rolling-restart digests issuer authorities; do . "$folder/$part.sh"; done

write_configuration() {
    local name
    if ! id etcd >/dev/null 2>&1; then
        useradd --system --user-group --home-dir "$DATA" --no-create-home --shell /usr/sbin/nologin etcd
        log "made the user etcd"
    fi
    install -d -m 0700 -o etcd -g etcd "$DATA"
    install -d -m 0755 "$PKI"
    for name in ca.crt server.crt peer.crt client.crt; do
        install_file "$folder/pki/$name" "$PKI/$name"
    done
    for name in server.key peer.key; do
        install_file -m 0400 -o etcd:etcd "$folder/pki/$name" "$PKI/$name"
    done
    # For people and this script, not for the daemon.
    install_file -m 0400 "$folder/pki/client.key" "$PKI/client.key"
    install_file "$folder/files/etcd.env" /etc/etcd/etcd.env
    install_file "$folder/files/etcdctl.env" /etc/etcd/etcdctl.env
    install_file "$folder/files/etcd.service" "$UNIT"
}

# A member whose old data has not been set aside yet would bring the old cluster back.
refuse_half_restore() {
    if [ "$(cat "$STATE/etcd-restore/stage" 2>/dev/null)" = stopped ]; then
        fail "a restore of etcd was begun and not ended: \`python -m ops etcd restore\` goes on with it"
    fi
}

# start_member: one that works is not touched here but in its turn.
start_member() {
    current_unit=etcd.service
    rm -f "$STATE/initial"
    if serves; then
        return 0
    fi
    if ! systemctl is-active --quiet etcd.service; then
        decide_start "$STATE/initial" 90 240
        if [ -s "$STATE/initial" ]; then
            install_file "$STATE/initial" /etc/etcd/initial.env
        fi
    fi
    # Not awaited: a member of a new cluster is "activating" for as long as its peers take to come.
    apply_service --no-block etcd.service restart "${READ_AT_START[@]}"
}

schedule_backups() {
    local unit=openstack-paas-etcd-backup
    if [ ! -s "$folder/files/$unit.timer" ]; then
        disable_services "$unit.timer"
    fi
    install_or_remove "$folder/files/$unit.service" "/etc/systemd/system/$unit.service"
    install_or_remove "$folder/files/$unit.timer" "/etc/systemd/system/$unit.timer"
    if [ -s "$folder/files/$unit.timer" ]; then
        apply_service "$unit.timer" restart "/etc/systemd/system/$unit.timer"
    fi
}

wait_for_health() {
    current_unit=etcd.service
    retry_until 240 "etcd to answer with a majority of its members (${MEMBERS[*]})" member_works
    : >"$WAS_MEMBER"
    release_membership
}

step "version" plan_member_change
prepare_machine
step "epoch" renew_new_machine
step "unused services" disable_services haproxy.service keepalived.service kubelet.service containerd.service
step "firewall" apply_firewall "$folder/files/firewall.nft"
step "authorities" guard_etcd_authorities
step "configuration" write_configuration
step "restore" refuse_half_restore
step "membership" start_member
step "health" wait_for_health
step "leavers" let_leavers_go
step "snapshot" snapshot_before_upgrade
step "turn" change_member_in_turn
step "record of authorities" record_authorities
step "backups" schedule_backups
current_step=etcd
log "ready: $(own_entry "https://$ADDRESS:2379")"
