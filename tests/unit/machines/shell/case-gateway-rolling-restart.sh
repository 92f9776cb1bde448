#!/bin/bash
# A gateway's programs change only when another gateway can take over, and without the virtual addresses; it takes part
# again however that ended. Each gateway's health is a file, and what happens is listed in order.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2153,SC2154
. "$(dirname "$0")/prelude.sh"
export ROOT SCRIPTS folder

fake systemctl <<'FAKE'
case "$*" in
    is-active*) [ -e "$ROOT/keepalived" ] ;;
    show*) ;;
    stop*) echo "$*" >>"$ROOT/calls"; rm -f "$ROOT/keepalived" ;;
    start* | restart*) echo "$*" >>"$ROOT/calls"; : >"$ROOT/keepalived" ;;
esac
FAKE
fake curl <<'FAKE'
url=${*: -1}
[[ $url == *10.0.0.5* ]] && [ ! -e "$ROOT/keepalived" ] && url=http://10.0.0.12:9000/
[ -e "$ROOT/well-$(cut -d / -f 3 <<<"$url" | cut -d : -f 1)" ]
FAKE
fake ip <<'FAKE'
[ ! -e "$ROOT/keepalived" ] || echo "2: eth0 inet 10.0.0.5/32 scope global eth0"
FAKE
fake journalctl <<'FAKE'
echo "(private) Entering BACKUP STATE (init)"
echo "VRRP_Script(haproxy) succeeded"
FAKE

turn() {
    . "$SCRIPTS/common/lib.sh"
    . "$SCRIPTS/common/services.sh"
    . "$SCRIPTS/common/packages.sh"
    NAME=gateway-0 ADDRESS=10.0.0.11 PRIVATE_VIP=10.0.0.5 PUBLIC_VIP='' HEALTH_PORT=9000 API_PORT=6443 EPOCH=
    PEERS=('gateway-1 10.0.0.12')
    [ ! -e "$ROOT/alone" ] || PEERS=()
    . "$SCRIPTS/common/maintenance.sh"
    TAKE_OVER_SECONDS=1
    . "$SCRIPTS/gateway/rolling-restart.sh"
    current_step=turn
    vip_answers() { :; }
    holds_or_follows() { :; }
    download_deferred() { echo "download" >>"$ROOT/calls"; }
    change_packages() {
        echo "install" >>"$ROOT/calls"
        [ ! -e "$ROOT/no-package" ] || fail "cannot install"
    }
    mkdir -p "$STATE/applied" "$ROOT/run"
    : >"$STATE/applied/keepalived.service"
    plan_gateway_change
    [ ! -e "$ROOT/new" ] || at_work=false
    waiting=(haproxy=2.6.12-1+deb12u4)
    # haproxy's own check is a command of the machine.
    eval "$(declare -f change_gateway_in_turn | sed 's|/usr/local/sbin/openstack-paas-haproxy-runs;|true;|')"
    change_gateway_in_turn
}
export -f turn

# case_of FILE...: what exists besides a serving gateway that holds the address.
case_of() {
    rm -rf "${ROOT:?}"/{calls,well-*,alone,no-package,new,var}
    : >"$ROOT/keepalived"
    for file; do : >"$ROOT/$file"; done
    outcome bash -c turn
}
calls() { [ ! -e "$ROOT/calls" ] || tr '\n' ';' <"$ROOT/calls"; }
changed="install;restart haproxy.service;restart keepalived.service;"

case_of well-10.0.0.11 well-10.0.0.12
expect "two gateways" "$status $(calls)" "0 download;stop keepalived.service;$changed"
expect_contains "two gateways: said" "$output" "another gateway takes the virtual addresses over"

case_of well-10.0.0.11
expect "the other one is sick" "$status $(calls)" "70 download;"
expect_contains "the other one is sick: said" "$output" "gateway-1: no haproxy answers at 10.0.0.12:9000"

case_of well-10.0.0.11 alone
expect "the only one" "$status $(calls)" "0 download;$changed"
expect_contains "the only one: said" "$output" "this is the only gateway"

case_of well-10.0.0.11 well-10.0.0.12 no-package
expect "the package cannot be installed" "$status $(calls)" \
    "70 download;stop keepalived.service;install;start --no-block keepalived.service;"

case_of well-10.0.0.11 well-10.0.0.12 new
expect "a new gateway has no turn" "$status $(calls)" "0 "
