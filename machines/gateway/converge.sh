#!/bin/bash
# converge of a gateway: the edge as the way out, firewall and NAT, haproxy before the API and the ingress, keepalived
# with the virtual addresses in one group.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine packages maintenance rolling-restart; do . "$folder/$part.sh"; done

# interface_within CIDR: the interface that has an address within it; there is one, whatever its name.
interface_within() {
    local line
    line=$(ip -oneline -4 address show to "$1" | sed -n 1p)
    [ -n "$line" ] || { echo "no interface has an address within $1"; return 1; }
    # "2: eth0    inet 10.0.0.5/24 ..."
    awk '{ print $2 }' <<<"$line"
}

with_interfaces() {
    sed -e "s/@EDGE_INTERFACE@/$edge_interface/g" -e "s/@PRIVATE_INTERFACE@/$private_interface/g" -- "$1"
}

find_interfaces() {
    retry_until 60 "an address within $EDGE_CIDR" interface_within "$EDGE_CIDR"
    retry_until 60 "an address within $PRIVATE_CIDR" interface_within "$PRIVATE_CIDR"
    edge_interface=$(interface_within "$EDGE_CIDR")
    private_interface=$(interface_within "$PRIVATE_CIDR")
    rendered=$(temporary --directory)
    with_interfaces "$folder/files/firewall.nft" >"$rendered/firewall.nft"
    with_interfaces "$folder/files/keepalived.conf" >"$rendered/keepalived.conf"
}

route_by_edge() {
    local unit=/etc/systemd/system/openstack-paas-edge-route
    install_file -m 0755 "$folder/edge-route.sh" /usr/local/sbin/openstack-paas-edge-route
    install_file "$folder/files/openstack-paas-edge-route.service" "$unit.service"
    install_file "$folder/files/openstack-paas-edge-route.timer" "$unit.timer"
    apply_service openstack-paas-edge-route.service restart "$unit.service" /usr/local/sbin/openstack-paas-edge-route
    # A lease that is lost and had again takes the route with it.
    apply_service openstack-paas-edge-route.timer restart "$unit.timer"
}

# close_silent_ways: one to a machine that is gone is silent, and neither sshd nor Pulumi's client would find out. sshd has
# ChannelTimeout since OpenSSH 9.2; before that, a step whose machine is gone waits until its `up` is ended.
close_silent_ways() {
    local file=/etc/ssh/sshd_config.d/51-openstack-paas-ways.conf
    if sshd -t -f "$folder/files/sshd-ways.conf" 2>/dev/null; then
        install_file "$folder/files/sshd-ways.conf" "$file"
    else
        remove_file "$file"
    fi
    apply_service ssh.service reload /etc/ssh/sshd_config.d/*openstack-paas*.conf
}

balance() {
    install_file -c "haproxy -c -q -f" "$folder/files/haproxy.cfg" /etc/haproxy/haproxy.cfg
    install_file -m 0755 "$folder/haproxy-runs.sh" /usr/local/sbin/openstack-paas-haproxy-runs
    if ! waits_for_turn haproxy.service; then
        apply_service haproxy.service reload /etc/haproxy/haproxy.cfg
    fi
    retry_until 20 "haproxy to run" /usr/local/sbin/openstack-paas-haproxy-runs
}

# holds_or_follows: keepalived has settled: this gateway has all virtual addresses, or none. There need be no public one.
holds_or_follows() {
    local held wanted=("$PRIVATE_VIP" ${PUBLIC_VIP:+"$PUBLIC_VIP"})
    held=$(ip -oneline -4 address show | grep -cE " (${PUBLIC_VIP:+$PUBLIC_VIP|}$PRIVATE_VIP)/32 ") || true
    echo "$held of the ${#wanted[@]} virtual addresses are here"
    systemctl is-active --quiet keepalived.service && { [ "$held" = 0 ] || [ "$held" = "${#wanted[@]}" ]; }
}

# vip_answers: somebody holds the private virtual address. A gateway that just started waits for three adverts first.
vip_answers() {
    ip -oneline -4 address show | grep -qF " $PRIVATE_VIP/32 " || ping -c 1 -W 1 "$PRIVATE_VIP"
}

share_addresses() {
    install_file -c "keepalived --config-test --use-file" "$rendered/keepalived.conf" /etc/keepalived/keepalived.conf
    if ! waits_for_turn keepalived.service; then
        apply_service keepalived.service reload /etc/keepalived/keepalived.conf /usr/local/sbin/openstack-paas-haproxy-runs
    fi
    retry_until 30 "the virtual address $PRIVATE_VIP to be held" vip_answers
    retry_until 30 "the virtual addresses to be on one gateway" holds_or_follows
}

step "version" plan_gateway_change
prepare_machine
step "epoch" renew_new_machine
step "unused services" disable_services kubelet.service containerd.service etcd.service
step "interfaces" find_interfaces
step "route" route_by_edge
step "firewall" apply_firewall "$rendered/firewall.nft"
step "ways" close_silent_ways
step "haproxy" balance
step "keepalived" share_addresses
step "turn" change_gateway_in_turn
current_step=gateway
log "ready"
