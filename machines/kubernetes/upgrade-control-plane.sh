# shellcheck shell=bash
# Another version of Kubernetes on a control plane that runs: the API server and the other static pods by kubeadm, then the
# kubelet. Sourced after upgrade.sh, api-server-restart.sh and control-plane-state.sh. One control plane at a time does this;
# the first one also changes the cluster's own record.

readonly PLAN_LOG=/var/log/openstack-paas-upgrade-plan.log
readonly DRY_RUN_LOG=/var/log/openstack-paas-upgrade-dry-run.log

# others_serve: the API stays when this machine's API server goes. A lone control plane has to do without for a moment.
others_serve() {
    local listed name address others='' serving=''
    listed=$(with_kubeconfig "$KUBERNETES/admin.conf" get nodes --selector node-role.kubernetes.io/control-plane --output \
        'jsonpath={range .items[*]}{.metadata.name} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}') \
        || fail "cannot list the control planes at $ENDPOINT"
    while read -r name address; do
        if [ "$name" = "$NAME" ] || [ -z "$address" ]; then
            continue
        fi
        others+="${others:+, }$name"
        if ready_at "$address:$API_PORT" >/dev/null; then
            serving+="${serving:+, }$name"
        fi
    done <<<"$listed"
    if [ -z "$others" ]; then
        log "this is the only control plane: the API is away while its server is changed"
    elif [ -z "$serving" ]; then
        fail "no other API server is ready ($others): this one is not touched before one of them is"
    elif [ "$serving" != "$others" ]; then
        log "of the others ($others) only $serving serve; going on"
    fi
}

# manifests_have VERSION: whether all three static pods are of that version.
manifests_have() {
    local part
    for part in kube-apiserver kube-controller-manager kube-scheduler; do
        grep -qE "^ *image: .*/$part:v${1//./\\.}\$" "$KUBERNETES/manifests/$part.yaml" || return 1
    done
}

# own_version: of this machine's API server.
own_version() { sed -nE 's|^ *image: .*/kube-apiserver:v(.*)$|\1|p' "$KUBERNETES/manifests/kube-apiserver.yaml"; }

# cluster_version: what kubeadm has recorded in the cluster; written at the end of its `upgrade apply`.
cluster_version() {
    with_kubeconfig "$KUBERNETES/admin.conf" --namespace kube-system get configmap kubeadm-config \
        --output 'jsonpath={.data.ClusterConfiguration}' | sed -n 's/^kubernetesVersion: v//p'
}

# show_plan FILE PATTERN: what kubeadm says that it would do.
show_plan() { { grep -E "$2" "$1" || true; } | without_secrets | cut -c 1-160 | sed 's/^/           | /'; }

# rehearse: the plan and the dry run, both shown; nothing has been changed when one of them objects.
rehearse() {
    log "kubeadm's plan:"
    (umask 077 && kubeadm upgrade plan "v$KUBERNETES_VERSION" "${KUBEADM_FLAGS[@]}" >"$PLAN_LOG" 2>&1 </dev/null) \
        || fail "kubeadm's plan objects: $(tail -n 8 "$PLAN_LOG" | without_secrets)"
    show_plan "$PLAN_LOG" '^[^[]'
    log "kubeadm's dry run ($DRY_RUN_LOG has all of it):"
    (umask 077 && kubeadm upgrade apply "v$KUBERNETES_VERSION" --yes --dry-run "${KUBEADM_FLAGS[@]}" >"$DRY_RUN_LOG" 2>&1 </dev/null) \
        || fail "kubeadm's dry run objects: $(tail -n 8 "$DRY_RUN_LOG" | without_secrets)"
    show_plan "$DRY_RUN_LOG" '^\[dryrun\] Would perform action (CREATE|UPDATE|PATCH|DELETE)|^\[upgrade[^]]*\] .*successfully'
}

# upgrade_static_pods: images are here before the API server is touched. kubeadm itself waits for each part, and puts the
# previous manifest back if one does not come up.
upgrade_static_pods() {
    local recorded ending
    log "pulling the images of $KUBERNETES_VERSION"
    current_log=/var/log/openstack-paas-images.log
    kubeadm config images pull --config "$folder/files/init.yaml" >"$current_log" 2>&1 </dev/null \
        || fail "not all images of Kubernetes $KUBERNETES_VERSION can be pulled; nothing has been changed"
    current_log=
    recorded=$(cluster_version)
    [ -n "$recorded" ] || fail "cannot read the cluster's version (configmap kubeadm-config in kube-system)"
    if [ "$recorded" != "$KUBERNETES_VERSION" ]; then
        refuse_kubernetes_jump "$recorded" "$KUBERNETES_VERSION"
        rehearse
    fi
    begin_change "control plane $(own_version) to $KUBERNETES_VERSION"
    : >"$UPGRADING"
    end_old_api_server "$(pgrep --exact --oldest kube-apiserver)" &
    ending=$!
    if [ "$recorded" != "$KUBERNETES_VERSION" ]; then
        run_kubeadm "kubeadm upgrade apply" upgrade apply "v$KUBERNETES_VERSION" --yes "${KUBEADM_FLAGS[@]}"
    else
        upgrade_node
    fi
    kill "$ending" 2>/dev/null || true
    manifests_have "$KUBERNETES_VERSION" || fail "kubeadm has left manifests of another version than $KUBERNETES_VERSION"
    wait_until_it_serves "kube-apiserver "
}

upgrade_control_plane() {
    $at_work || return 0
    if [ -e "$UPGRADING" ] || ! manifests_have "$KUBERNETES_VERSION"; then
        download_deferred
        upgrade_static_pods
        rm -f "$UPGRADING"
    fi
    if changes_kubelet; then
        download_deferred
        change_kubelet
    fi
}
