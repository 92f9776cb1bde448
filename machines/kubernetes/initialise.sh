#!/bin/bash
# Runs while this machine holds the init lock in etcd: initialises the cluster if nobody has, or if nothing is left of it
# but its data in etcd. Otherwise does nothing, and the machine joins, without the lock.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine packages containerd node control-plane-state drain node-certificates kube-proxy; do . "$folder/$part.sh"; done
current_step=node
readonly LOCAL_SERVER=https://127.0.0.1:$API_PORT

# api_comes_back SECONDS: whether an API server answers behind the virtual address within that time.
api_comes_back() {
    local deadline=$((SECONDS + $1))
    until ready_at "$ENDPOINT" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            return 1
        fi
        sleep 0.5
    done
}

# initialise: kubeadm's init is made of parts that are safe to repeat, on data that exists already too. Only its checks
# object to what an interrupted run left here.
# With `local`, kube-proxy finds the API on its own machine.
initialise() {
    local ignored=$IGNORE_PREFLIGHT_ERRORS
    if [ -s "$KUBELET_KUBECONFIG" ] && node_is_recorded; then
        log "an init on this machine was interrupted: going on with it"
        systemctl stop kubelet.service
        ignored+="${ignored:+,}Port-$API_PORT,Port-10250,Port-10257,Port-10259"
        ignored+=",FileAvailable--etc-kubernetes-manifests-kube-apiserver.yaml"
        ignored+=",FileAvailable--etc-kubernetes-manifests-kube-controller-manager.yaml"
        ignored+=",FileAvailable--etc-kubernetes-manifests-kube-scheduler.yaml"
    else
        forget_half_join
        # A reset removes the shared certificates with everything else.
        install_pki
    fi
    run_kubeadm "kubeadm init" init --config "$folder/files/init.yaml" --skip-token-print \
        ${ignored:+"--ignore-preflight-errors=$ignored"}
    if [ "$1" = local ]; then
        keep_proxies_local
    fi
    : >"$STATE/joined"
}

# proxies_are_local: as etcd has it, while no API answers.
proxies_are_local() {
    etcdctl --dial-timeout 3s --command-timeout 8s get --print-value-only /registry/configmaps/kube-system/kube-proxy \
        | grep -aF "server: $LOCAL_SERVER" >/dev/null
}

# keep_proxies_local: kubeadm has just given kube-proxy the virtual address. Where no node can be without an API of its own
# (a new cluster; one whose nodes have had it), that need not wait for the end of all steps.
keep_proxies_local() {
    local field
    identity=$(temporary)
    for field in client-certificate-data client-key-data; do
        kubeconfig_field "$KUBERNETES/admin.conf" "$field"
    done >"$identity"
    API=$ADDRESS:$API_PORT API_IDENTITY=(--cacert "$folder/pki/ca.crt" --cert "$identity")
    point_proxies "$LOCAL_SERVER"
}

: >"$STATE/locked-failed"
if ! cluster_is_recorded; then
    log "no cluster in etcd: initialising one"
    initialise local
elif api_comes_back 60; then
    log "the cluster exists and its API answers: joining it"
else
    log "the cluster's data is in etcd but no API server answered within 60 s: bringing its API back"
    initialise "$(! proxies_are_local || echo local)"
fi
rm -f "$STATE/locked-failed"
