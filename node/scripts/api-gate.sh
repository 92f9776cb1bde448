#!/usr/bin/env bash
# Runs on a gateway: waits until the API answers through the private VIP, so that what needs an API can start.
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
read -r endpoint limit_seconds <"$here/gate"
last=nothing
until last=$(curl --silent --show-error --max-time 2 --cacert "$here/ca.crt" "https://$endpoint/readyz" 2>&1) && [ "$last" = ok ]; do
    if [ "$SECONDS" -ge "$limit_seconds" ]; then
        echo "the API at https://$endpoint did not answer within $limit_seconds s; last answer: $last" >&2
        exit 1
    fi
    sleep 0.5
done
echo "the API at https://$endpoint answers after $SECONDS s"
