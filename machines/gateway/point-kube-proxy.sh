#!/bin/bash
# Points kube-proxy at its own machine, once every node has an API there. Runs on the gateway that holds the virtual
# address: point-kube-proxy.sh ENDPOINT SERVER, the administrator's certificate and key on standard input.
folder=$(dirname "$(readlink -f "$0")")
ENDPOINT=$1
# shellcheck source=/dev/null
for part in lib administrator drain kube-proxy; do . "$folder/$part.sh"; done
current_step=kube-proxy
point_proxies "$2"
log "ready"
