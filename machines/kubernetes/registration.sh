# shellcheck shell=bash disable=SC2016
# Labels, taints and the kubelet's configuration of a node that has joined already: kubeadm gives them to new nodes only.
# Sourced after rollout.sh and upgrade.sh. What this node registered with is in the kubelet's own flags.

readonly KUBELET_FLAGS=${ROOT:-}/var/lib/kubelet/kubeadm-flags.env
readonly KUBELET_CONFIGURATION=${ROOT:-}/var/lib/kubelet/config.yaml
# The configuration that the kubelet runs with, while another one is brought to it.
readonly CONFIGURED=$STATE/kubelet-configuration
readonly FOLLOWED=$STATE/applied/kubelet-configuration

# told_flag FLAG: what the kubelet registered with.
told_flag() { sed -nE "s/.*--$1=([^ \"]*).*/\1/p" "$KUBELET_FLAGS"; }

# tell_flag FLAG VALUE: for the day on which the kubelet registers again; nothing reads it before.
tell_flag() {
    local new
    [ "$(told_flag "$1")" != "$2" ] || return 0
    new=$(temporary)
    sed -E -e "s/ *--$1=[^ \"]*//" "$KUBELET_FLAGS" >"$new"
    if [ -n "$2" ]; then
        sed -i -E -e "s|\"\$| --$1=$2\"|" "$new"
    fi
    install_file "$new" "$KUBELET_FLAGS"
}

comma() { local IFS=,; echo "$*"; }

# What has to change in the node's object: our previous labels and taints that are not wanted any more go, those of others
# stay. With taints comes the version of the object, since others write taints too. Empty when nothing has to.
readonly REGISTRATION='
    def list: if . == "" then [] else split(",") end;
    def as_label: capture("^(?<key>[^=]*)=(?<value>.*)$");
    def as_taint: capture("^(?<key>[^=:]+)(=(?<value>[^:]*))?:(?<effect>.+)$") | with_entries(select((.value // "") != ""));
    def place: [.key, .effect];
    . as $node
    | ($labels | list | map(as_label | {(.key): .value}) | add // {}) as $wanted
    | (($told_labels | list | map({(as_label.key): null}) | add // {}) + $wanted
        | with_entries(select(.value != $node.metadata.labels[.key]))) as $labels
    | ($taints | list | map(as_taint)) as $mine
    | ($told_taints | list | map(as_taint) + $mine | map(place)) as $ours
    | (.spec.taints // []) as $now
    | ($now | map(select(place as $place | any($ours[]; . == $place) | not)) + $mine) as $result
    | (if $labels != {} then {metadata: {labels: $labels}} else {} end)
        * (if ($now | map([.key, .effect, .value // ""]) | sort) != ($result | map([.key, .effect, .value // ""]) | sort)
           then {metadata: {resourceVersion: $node.metadata.resourceVersion}, spec: {taints: $result}} else {} end)
    | select(. != {})
    | . + {new: [.spec.taints // [] | .[] | select(.effect == "NoExecute" and (place as $place | all($now[]; place != $place)))]}'

# registration_patch: fills `patch`, and `evicts` with whether it makes pods leave at once.
registration_patch() {
    local had_taints
    had_taints=$(told_flag register-with-taints)
    # kubeadm marks control planes, without a flag.
    [ ! -e "$KUBERNETES/admin.conf" ] || had_taints+=${had_taints:+,}node-role.kubernetes.io/control-plane:NoSchedule
    ask GET "/api/v1/nodes/$NAME" || fail "cannot read the node $NAME at $ENDPOINT: $(api_said)"
    patch=$(jq --compact-output --arg labels "$(comma "${NODE_LABELS[@]}")" --arg told_labels "$(told_flag node-labels)" \
        --arg taints "$(comma "${NODE_TAINTS[@]}")" --arg told_taints "$had_taints" "$REGISTRATION" "$api_body")
    evicts=$(jq '(.new // []) | length > 0' <<<"${patch:-{\}}")
    patch=$(jq --compact-output 'del(.new)' <<<"${patch:-{\}}")
}

# write_registration: one try, by the state of now. A node itself may not change its own taints, nor every label.
write_registration() {
    local writer=$KUBERNETES/admin.conf
    [ -e "$writer" ] || writer=$BOOTSTRAP_KUBECONFIG
    registration_patch
    [ "$patch" != '{}' ] || return 0
    with_kubeconfig "$writer" patch node "$NAME" --type merge --patch "$patch"
}

follow_labels_and_taints() {
    local patch evicts
    registration_patch
    if [ "$patch" != '{}' ]; then
        if [ "$evicts" = true ]; then
            # It would make pods leave without asking any budget.
            begin_change "taints" drained
        fi
        log "labels and taints: $patch"
        retry_until 60 "the node's labels and taints to be taken" write_registration
    fi
    tell_flag node-labels "$(comma "${NODE_LABELS[@]}")"
    [ -e "$KUBERNETES/admin.conf" ] || tell_flag register-with-taints "$(comma "${NODE_TAINTS[@]}")"
}

# kubelet_reports SINCE: it has reported to the API. One that ends at once over its configuration never does, and the
# node would look Ready for another 40 s.
kubelet_reports() {
    local renewed
    api GET "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/$NAME" || { api_said; return 1; }
    renewed=$(jq --raw-output .spec.renewTime "$api_body")
    echo "the kubelet reported last at $renewed"
    [[ $renewed > $1 ]]
}

# restart_configured: with the previous configuration where the new one does not work. Pods go on meanwhile.
restart_configured() {
    local since
    restart_kubelet
    since=$(date --utc +%Y-%m-%dT%H:%M:%S.%6N)
    # In a subshell: what failed there is not the end of it. Shorter than the time after which a node counts as lost.
    if (retry_until "${KUBELET_SECONDS:-30}" "the kubelet to report with its new configuration" kubelet_reports "$since"); then
        return 0
    fi
    install_file "$CONFIGURED" "$KUBELET_CONFIGURATION"
    systemctl reset-failed kubelet.service || true
    restart_kubelet
    fail "the kubelet does not work with kubernetes.kubeletConfiguration; it runs with the previous one again"
}

# follow_kubelet_configuration: control planes bring it to the cluster, every node takes it from there.
follow_kubelet_configuration() {
    local wanted
    wanted=$(fingerprint "$folder/files/kubelet.yaml")
    [ "$wanted" != "$(cat "$FOLLOWED" 2>/dev/null)" ] || return 0
    if $at_work; then
        # The cluster may have one soon with which no kubelet works, and the way back is to be followed too.
        rm -f -- "$FOLLOWED"
        # One that is there is of a run that was interrupted before the kubelet had the new one.
        [ -e "$CONFIGURED" ] || install_file "$KUBELET_CONFIGURATION" "$CONFIGURED"
        if is_control_plane; then
            run_kubeadm "the kubelets' configuration" init phase upload-config kubelet --config "$folder/files/init.yaml"
        fi
        run_kubeadm "this kubelet's configuration" upgrade node phase kubelet-config
        if ! cmp --silent -- "$CONFIGURED" "$KUBELET_CONFIGURATION"; then
            begin_change "configuration of the kubelet"
            restart_configured
        fi
        rm -f -- "$CONFIGURED"
    fi
    # A node that has just joined has taken it from the cluster.
    printf '%s\n' "$wanted" >"$FOLLOWED"
}

# follow_registration: before the certificate to join with is forgotten.
follow_registration() {
    current_unit=kubelet.service
    if $at_work; then
        follow_labels_and_taints
    fi
    follow_kubelet_configuration
}
