# shellcheck shell=bash
# What control planes and workers have in common: kubeadm, the API behind the virtual address, this node's own state.
# Sourced after lib.sh, settings.sh, machine.sh and containerd.sh.

readonly KUBERNETES=/etc/kubernetes
readonly KUBELET_KUBECONFIG=$KUBERNETES/kubelet.conf
readonly BOOTSTRAP_KUBECONFIG=$folder/bootstrap.conf
readonly KUBEADM_LOG=/var/log/openstack-paas-kubeadm.log
# Flags of everything in kubeadm that begins with checks: one or none.
readonly KUBEADM_FLAGS=(${IGNORE_PREFLIGHT_ERRORS:+"--ignore-preflight-errors=$IGNORE_PREFLIGHT_ERRORS"})

# is_control_plane: the cluster's own configuration is a control plane's to write.
is_control_plane() { [ -e "$folder/files/init.yaml" ]; }

# ready_at HOST:PORT: whether an API server, or the balancer before it, says that it is ready; prints what it says.
ready_at() {
    local seen
    seen=$(curl --silent --show-error --noproxy '*' --max-time 4 --cacert "$folder/pki/ca.crt" \
        --write-out ' (HTTP status %{http_code})' "https://$1/readyz" 2>&1) || { tr '\n' ' ' <<<"$seen"; return 1; }
    echo "$seen"
    [[ $seen == *"(HTTP status 200)" ]]
}

# with_kubeconfig PATH ARGUMENT...: kubectl that bounds its own time.
with_kubeconfig() {
    local kubeconfig=$1
    shift
    timeout 15 kubectl --kubeconfig "$kubeconfig" --request-timeout 10s "$@"
}

# may_join: kubeadm's init publishes cluster-info after everything that a joining node reads or needs rights for, so its
# presence says that the way in is open; right after the API's first answer it may take a few seconds.
may_join() {
    local seen
    ready_at "$ENDPOINT" || return 1
    seen=$(curl --silent --show-error --noproxy '*' --max-time 4 --cacert "$folder/pki/ca.crt" --output /dev/null \
        --write-out '%{http_code}' "https://$ENDPOINT/api/v1/namespaces/kube-public/configmaps/cluster-info" 2>&1) || true
    echo "the API is ready, cluster-info answers with HTTP status $seen"
    [ "$seen" = 200 ]
}

# old_self_is_gone: kubeadm refuses a name that belongs to a node which is Ready. One that this machine replaces is
# noticed as lost after some 40 s.
old_self_is_gone() {
    local state
    # shellcheck disable=SC1083  # a JSONPath
    state=$(with_kubeconfig "$BOOTSTRAP_KUBECONFIG" get node "$NAME" --ignore-not-found \
        --output 'jsonpath={.status.conditions[?(@.type=="Ready")].status}' 2>&1) || { echo "$state"; return 1; }
    echo "the previous node $NAME has Ready=${state:-(there is none)}"
    [ "$state" != True ]
}

# forget_old_self: the lost node's object goes, and with it what only was true of its machine: marks that it is to take no
# pods, previous labels. A cluster that does not grant the right yet (put_objects) keeps the object.
forget_old_self() {
    local seen
    seen=$(with_kubeconfig "$BOOTSTRAP_KUBECONFIG" delete node "$NAME" --ignore-not-found --wait=false 2>&1) \
        || seen="the old object of this node stays: $(tail -n 1 <<<"$seen")"
    [ -z "$seen" ] || log "$seen"
}

# is_registered: the cluster knows this node by the kubelet's own certificate.
is_registered() {
    [ -s "$KUBELET_KUBECONFIG" ] || { echo "$KUBELET_KUBECONFIG does not exist"; return 1; }
    with_kubeconfig "$KUBELET_KUBECONFIG" get node "$NAME" --output name
}

# run_kubeadm WHAT ARGUMENT...: its many lines go to a log, of which a failure shows the end.
run_kubeadm() {
    local what=$1 begin=$SECONDS
    shift
    current_log=$KUBEADM_LOG
    current_unit=kubelet.service
    if ! (umask 077 && kubeadm "$@" >"$KUBEADM_LOG" 2>&1 </dev/null); then
        fail "$what failed after $((SECONDS - begin)) s: $(grep -iE '^(error|\[preflight\] .*error|.*\[ERROR)' "$KUBEADM_LOG" |
            tail -n 3 | without_secrets | tr '\n' ' ')"
    fi
    log "$what took $((SECONDS - begin)) s"
}

# validate_configuration FILE
validate_configuration() {
    local seen
    seen=$(kubeadm config validate --config "$1" 2>&1) || fail "kubeadm refuses ${1##*/}: $(tail -n 8 <<<"$seen")"
}

# forget_half_join: removes what an interrupted init or join left, on a node that the cluster has never seen.
forget_half_join() {
    if [ ! -e "$KUBELET_KUBECONFIG" ] && [ ! -e "$KUBERNETES/bootstrap-kubelet.conf" ] &&
        [ ! -e /var/lib/kubelet/config.yaml ] && ! compgen -G "$KUBERNETES/manifests/*.yaml" >/dev/null; then
        return 0
    fi
    log "an earlier run was interrupted before the cluster knew this node: starting over"
    run_kubeadm "kubeadm reset" reset --force --cri-socket unix:///run/containerd/containerd.sock
}

make_volume_directories() {
    local path
    for path in "${VOLUME_DIRECTORIES[@]}"; do
        [ -d "$path" ] || { install -d -m 0755 -- "$path"; log "made $path"; }
    done
}

# run_kubelet: kubeadm starts it on joining; afterwards it only has to run, and to start at boot.
run_kubelet() {
    if ! systemctl is-enabled --quiet kubelet.service; then
        systemctl --quiet enable kubelet.service
    fi
    if ! systemctl is-active --quiet kubelet.service; then
        systemctl start kubelet.service
        log "started kubelet.service"
    fi
}

# forget_bootstrap: the certificate to join with has served its purpose on this machine.
forget_bootstrap() {
    rm -f -- "$BOOTSTRAP_KUBECONFIG" "$folder/bootstrap.crt" "$folder/bootstrap.key" "$KUBERNETES/bootstrap-kubelet.conf"
}
