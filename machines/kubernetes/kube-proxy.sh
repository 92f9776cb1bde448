# shellcheck shell=bash disable=SC2016
# kube-proxy finds the API on its own machine: a control plane's API server, or a worker's balancer. All of them have one
# kubeconfig, which kubeadm writes at init and with each upgrade, with the address that clients use. Sourced after
# drain.sh.

readonly PROXY_ADDRESS=openstack-paas/api
readonly PROXY_CONFIGURATION=/api/v1/namespaces/kube-system/configmaps/kube-proxy
readonly PROXY_PODS=/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy

# point_proxies SERVER: its pods start again, one node at a time, when they know another server; kubeadm drops the annotation
# that names it. Connections go on meanwhile: the rules in the kernel stay.
point_proxies() {
    local patch
    if ! ask GET "$PROXY_CONFIGURATION"; then
        [ "$api_status" = 404 ] || fail "cannot read the configuration of kube-proxy at $API: $(api_said)"
        log "this cluster has no kube-proxy"
        return 0
    fi
    patch=$(jq --compact-output --arg server "$1" '.data["kubeconfig.conf"] as $now
        | ($now | sub("(?<key>server: )\\S+"; "\(.key)\($server)")) as $wanted
        | select($now != $wanted) | {data: {"kubeconfig.conf": $wanted}}' "$api_body")
    if [ -n "$patch" ]; then
        ask PATCH "$PROXY_CONFIGURATION" "$patch" || fail "cannot change the configuration of kube-proxy: $(api_said)"
    fi
    ask GET "$PROXY_PODS" || fail "cannot read the DaemonSet kube-proxy at $API: $(api_said)"
    patch=$(jq --compact-output --arg key "$PROXY_ADDRESS" --arg server "$1" '
        select(.spec.template.metadata.annotations[$key] != $server)
        | {spec: {template: {metadata: {annotations: {($key): $server}}}}}' "$api_body")
    if [ -n "$patch" ]; then
        ask PATCH "$PROXY_PODS" "$patch" || fail "cannot change the DaemonSet kube-proxy: $(api_said)"
        log "kube-proxy finds the API at $1"
    fi
}
