#!/usr/bin/env bash
# Runs on a gateway: waits until the cluster can be used through the private VIP, so that what needs an API can start.
set -Eeuo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
read -r endpoint limit_seconds <"$here/gate"
last=nothing

# kubeadm publishes cluster-info, for everyone to read, after it has given the administrators their rights. An API server
# that is ready before that would still refuse them.
usable() {
    last=$(curl --silent --show-error --fail --noproxy '*' --max-time 2 --cacert "$here/ca.crt" --output /dev/null \
        "https://$endpoint/api/v1/namespaces/kube-public/configmaps/cluster-info" 2>&1)
}

until usable; do
    if [ "$SECONDS" -ge "$limit_seconds" ]; then
        echo "the API at https://$endpoint was not usable within $limit_seconds s; last answer: $last" >&2
        exit 1
    fi
    sleep 0.5
done
echo "the API at https://$endpoint is usable after $SECONDS s"
