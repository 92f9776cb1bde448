#!/bin/bash
# edge-route CIDR GATEWAY: everything that leaves a gateway goes by the edge network, whatever default routes DHCP set
# on either of its networks. The main table serves only routes more exact than a default route; table 100 the rest.
set -euo pipefail
cidr=$1
gateway=$2
table=100

# The interface by its address, for names differ between clouds; it may take DHCP a while.
deadline=$((SECONDS + 90))
until interface=$(ip -oneline -4 address show to "$cidr" | awk '{ print $2; exit }') && [ -n "$interface" ]; do
    if ((SECONDS >= deadline)); then
        echo "no interface has an address within $cidr after 90 s" >&2
        exit 1
    fi
    sleep 0.5
done

ip route replace default via "$gateway" dev "$interface" table "$table"
rules=$(ip rule show)
if [[ $rules != *$'\n100:'*"lookup main suppress_prefixlength 0"* ]]; then
    ip rule add priority 100 lookup main suppress_prefixlength 0
fi
if [[ $rules != *$'\n101:'*"lookup $table"* ]]; then
    ip rule add priority 101 lookup "$table"
fi
