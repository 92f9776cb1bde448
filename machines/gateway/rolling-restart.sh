# shellcheck shell=bash
# Replaces the programs of haproxy and keepalived on a gateway that runs: another gateway takes over the virtual addresses
# first. The engine changes one gateway after another, so there is one. Sourced after maintenance.sh.

at_work=false
handed_over=false

# plan_gateway_change: first of all. On a gateway that runs, its programs wait for their turn.
plan_gateway_change() {
    if systemctl is-active --quiet keepalived.service && [ -e "$STATE/applied/keepalived.service" ]; then
        at_work=true
        DEFERRED=(haproxy keepalived)
    fi
}

# waits_for_turn UNIT: a program that was installed by a run which was interrupted, and has not been started yet.
waits_for_turn() { $at_work && systemctl is-active --quiet "$1" && runs_old_program "$1"; }

# gateway_changes: in words, empty when nothing waits.
gateway_changes() {
    local words unit
    words=$(what_waits)
    for unit in haproxy keepalived; do
        if waits_for_turn "$unit.service"; then
            words+="${words:+, }$unit as it is installed now"
        fi
    done
    echo "$words"
}

# balances ADDRESS: whether a haproxy works there.
balances() {
    curl --silent --output /dev/null --fail --noproxy '*' --max-time 2 "http://$1:$HEALTH_PORT/healthz" ||
        { echo "no haproxy answers at $1:$HEALTH_PORT"; return 1; }
}

# leads_to_api ADDRESS: whether the API answers through that gateway. Its certificate is the clients' business.
leads_to_api() {
    [ -n "$API_PORT" ] || return 0
    curl --silent --output /dev/null --fail --insecure --noproxy '*' --max-time 3 "https://$1:$API_PORT/readyz" ||
        { echo "the API does not answer at $1:$API_PORT"; return 1; }
}

# can_take_over: whether one of the other gateways balances, and leads to the API where this one does.
can_take_over() {
    local peer said=''
    for peer in "${PEERS[@]}"; do
        if said=$(balances "${peer#* }" && { ! $served || leads_to_api "${peer#* }"; }); then
            return 0
        fi
        echo "${peer% *}: $said"
    done
    return 1
}

holds_an_address() { ip -oneline -4 address show | grep -qE " (${PUBLIC_VIP:+$PUBLIC_VIP|}$PRIVATE_VIP)/32 "; }

# held_elsewhere: another gateway has the virtual addresses, and works.
held_elsewhere() {
    if holds_an_address; then
        echo "the virtual addresses are still here"
        return 1
    fi
    balances "$PRIVATE_VIP"
}

# hand_over WHY: keepalived says on its way out that it goes (priority 0), so another gateway has the addresses at once.
hand_over() {
    local begin
    if [ "${#PEERS[@]}" -eq 0 ]; then
        log "this is the only gateway: what goes through it is cut off for a moment"
        return 0
    fi
    retry_until "$TAKE_OVER_SECONDS" "another gateway that can take over; this one is not changed before ($1)" can_take_over
    if holds_an_address; then
        log "another gateway takes the virtual addresses over"
    fi
    begin=${EPOCHREALTIME/./}
    at_exit take_part_again
    handed_over=true
    systemctl stop keepalived.service
    retry_until 10 "another gateway to hold the virtual addresses" held_elsewhere
    log "the virtual addresses are on another gateway after $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
}
TAKE_OVER_SECONDS=${TAKE_OVER_SECONDS:-60}

# take_part_again: however the change ended, this gateway is there when the other one is lost. It does not take the
# addresses back (nopreempt). keepalived gives none to a gateway whose haproxy does not run.
take_part_again() {
    if $handed_over; then
        systemctl start --no-block keepalived.service
        handed_over=false
    fi
}

# may_hold: keepalived has settled, with the addresses or without, and finds the local haproxy well.
may_hold() {
    local state
    state=$(journalctl --unit keepalived.service --since "@$1" --output cat --no-pager |
        grep -oE 'Entering (BACKUP|MASTER|FAULT) STATE|VRRP_Script\(haproxy\) (succeeded|failed)')
    echo "keepalived: $(tail -n 1 <<<"$state")"
    [[ $state == *succeeded* && $(grep STATE <<<"$state" | tail -n 1) != *FAULT* ]]
}

# change_gateway_in_turn: everything is fetched before, and this gateway is as good as before when the next one has its turn.
change_gateway_in_turn() {
    local change served=false since
    change=$(gateway_changes)
    if ! $at_work || [ -z "$change" ]; then
        return 0
    fi
    log "to be changed: $change"
    fetch_packages
    ! leads_to_api "$ADDRESS" >/dev/null || served=true
    hand_over "$change"
    change_packages
    renew_packages
    restart_service haproxy.service /etc/haproxy/haproxy.cfg
    retry_until 20 "haproxy to run" /usr/local/sbin/openstack-paas-haproxy-runs
    retry_until 20 "haproxy to answer" balances "$ADDRESS"
    if $served; then
        retry_until 30 "the API to answer through this gateway, as it did before" leads_to_api "$ADDRESS"
    fi
    since=$EPOCHSECONDS
    restart_service keepalived.service /etc/keepalived/keepalived.conf /usr/local/sbin/openstack-paas-haproxy-runs
    handed_over=false
    retry_until 30 "keepalived to find this gateway well" may_hold "$since"
    retry_until 30 "the virtual address $PRIVATE_VIP to be held" vip_answers
    retry_until 30 "the virtual addresses to be on one gateway" holds_or_follows
    end_epoch
    log "changed: $change"
}
