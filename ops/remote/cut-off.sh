#!/bin/bash
# On a machine, as root: drop every packet for SECONDS, beginning in one second; 0 ends that. It ends by itself in any case.
set -euo pipefail
seconds=$1
unit=openstack-paas-drill-cut
table=openstack_paas_drill
if [ "$seconds" = 0 ]; then
    systemctl stop "$unit" 2>/dev/null || true
    nft delete table inet "$table" 2>/dev/null || true
    exit 0
fi
rules=/run/$unit.nft
cat >"$rules" <<RULES
table inet $table {
    chain in { type filter hook input priority -300; policy drop; iif lo accept; }
    chain out { type filter hook output priority -300; policy drop; oif lo accept; }
    chain through { type filter hook forward priority -300; policy drop; }
}
RULES
nft --check --file "$rules"
# The first second lets the answer to this command out. ExecStopPost runs however the service ends.
systemd-run --quiet --collect --unit "$unit" --property "ExecStartPre=/bin/sleep 1" \
    --property "ExecStartPre=/usr/sbin/nft --file $rules" --property "RuntimeMaxSec=$((seconds + 60))" \
    --property "ExecStopPost=-/usr/sbin/nft delete table inet $table" --no-block sleep "$seconds"
