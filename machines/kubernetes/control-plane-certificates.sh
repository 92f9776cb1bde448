# shellcheck shell=bash
# Certificates that a control plane makes itself, with kubeadm and the authorities' keys in its bundle: always all of them,
# whatever the reason, first beside the old ones. Sourced after static-pods.sh.

readonly LEAVES=(apiserver apiserver-kubelet-client front-proxy-client)

# guard: before any file changes.
guard() {
    ! $at_work || remember_reads
    guard_authorities
}

# guard_cluster: before another authority issues, every pod of every node must know it; before one goes, nobody may have a
# certificate of it.
guard_cluster() {
    local nodes lagging dropped
    nodes=$(with_kubeconfig "$KUBERNETES/admin.conf" get nodes --output json) || fail "cannot list the nodes at $ENDPOINT"
    if [ "${now[0]}" != "${wanted[0]}" ]; then
        lagging=$(nodes_without "(.pods // []) | index(\"${wanted[0]}\")" <<<"$nodes")
        [ -z "$lagging" ] || fail "not everything trusts the authorities of generation $GENERATION yet, which are to issue: $lagging. An \`up\`" \
            "with certificates.authorities.issuing as before has to end well first"
    fi
    dropped=$(comm -23 <(printf '%s\n' "${now[@]}" | sort) <(printf '%s\n' "${wanted[@]}" | sort))
    [ -n "$dropped" ] || return 0
    lagging=$(nodes_without ".issuing as \$its | \"${wanted[*]}\" / \" \" | index(\$its // \"none\")" <<<"$nodes")
    [ -z "$lagging" ] || fail "there are certificates of authorities that are not to be trusted any more on: $lagging. An \`up\` that" \
        "changes nothing but certificates.authorities.issuing has to end well first"
}

# nodes_without CONDITION: names of the nodes whose annotation does not meet it.
nodes_without() {
    jq --raw-output --arg key "$AUTHORITIES" "[.items[] | select(((.metadata.annotations[\$key] // \"{}\") | fromjson | $1) | not)
        | .metadata.name] | join(\", \")"
}

# own_kubeconfigs: super-admin's is only where the cluster was initialised.
own_kubeconfigs() {
    local name
    for name in admin super-admin controller-manager scheduler; do
        [ ! -s "$KUBERNETES/$name.conf" ] || echo "$name"
    done
}

# names_differ: whether the API server's certificate is valid for other names than those wanted.
names_differ() {
    local has
    has=$(openssl x509 -in "$KUBERNETES/pki/apiserver.crt" -noout -ext subjectAltName | tail -n 1 | tr ',' '\n' |
        sed -E 's/^ *(DNS|IP Address)://' | sort --unique)
    [ "$has" != "$(printf '%s\n' "${API_NAMES[@]}" | sort --unique)" ]
}

# own_reasons: why this machine's certificates must be renewed, one a line.
own_reasons() {
    local name reason authorities embedded
    embedded=$(temporary)
    for name in "${LEAVES[@]}"; do
        authorities=$folder/pki/ca.crt
        [ "$name" != front-proxy-client ] || authorities=$folder/pki/front-proxy-ca.crt
        reason=$(certificate_reason "$KUBERNETES/pki/$name.crt" "$authorities")
        [ -z "$reason" ] || echo "$name.crt $reason"
    done
    while read -r name; do
        kubeconfig_field "$KUBERNETES/$name.conf" client-certificate-data >"$embedded"
        reason=$(certificate_reason "$embedded" "$folder/pki/ca.crt")
        [ -z "$reason" ] || echo "the certificate in $name.conf $reason"
    done < <(own_kubeconfigs)
    reason=$(certificate_reason "$KUBELET_CERTIFICATE" "$folder/pki/ca.crt")
    [ -z "$reason" ] || echo "the kubelet's certificate $reason"
    ! names_differ || echo "the API server is to have other names: ${API_NAMES[*]}"
}

# make_all: everything in the folder `made`.
make_all() {
    local name
    made=$(temporary --directory)
    mkdir "$made/pki" "$made/kubeconfigs"
    for name in ca front-proxy-ca; do
        install -m 0600 "$folder/pki/$name.crt" "$folder/pki/$name.key" "$made/pki/"
    done
    sed -e "s|^kind: ClusterConfiguration\$|&\ncertificatesDir: $made/pki|" "$folder/files/init.yaml" >"$made/configuration.yaml"
    for name in "${LEAVES[@]}"; do
        run_kubeadm "$name.crt" init phase certs "$name" --config "$made/configuration.yaml"
    done
    for name in $(own_kubeconfigs) kubelet; do
        run_kubeadm "$name.conf" init phase kubeconfig "$name" --config "$made/configuration.yaml" --kubeconfig-dir "$made/kubeconfigs"
        embeds_authorities "$made/kubeconfigs/$name.conf" || embed "$made/kubeconfigs/$name.conf"
    done
}

# renew_own: the API server reads its certificates by itself, one file after the other: key first, so that the pair is whole
# when the certificate comes.
renew_own() {
    local reasons name made
    reasons=$(own_reasons)
    [ -n "$reasons" ] || return 0
    while read -r name; do log "$name"; done <<<"$reasons"
    make_all
    # What control planes that join later are made with.
    run_kubeadm "kubeadm's record" init phase upload-config kubeadm --config "$folder/files/init.yaml"
    for name in "${LEAVES[@]}"; do
        install_file -m 0600 "$made/pki/$name.key" "$KUBERNETES/pki/$name.key"
        install_file "$made/pki/$name.crt" "$KUBERNETES/pki/$name.crt"
    done
    for name in $(own_kubeconfigs); do
        install_file -m 0600 "$made/kubeconfigs/$name.conf" "$KUBERNETES/$name.conf"
    done
    kubeconfig_field "$made/kubeconfigs/kubelet.conf" client-certificate-data >"$made/kubelet.crt"
    kubeconfig_field "$made/kubeconfigs/kubelet.conf" client-key-data >"$made/kubelet.key"
    install_kubelet_certificate "$made/kubelet.crt" "$made/kubelet.key"
    rm -rf -- "$made"
    retry_until 60 "the API server to reach the kubelet with its new certificate" reaches_kubelet
}

# reaches_kubelet: an API server that finds another certificate of its own closes all its connections to kubelets, the one
# that it is about to make too (client-go: transport/cert_rotation.go). Better this one than somebody's.
reaches_kubelet() {
    with_kubeconfig "$KUBERNETES/admin.conf" --server "https://$ADDRESS:$API_PORT" get --raw "/api/v1/nodes/$NAME/proxy/healthz"
}

# record_in_etcd: which of etcd's authorities this API server runs with, for etcd's members (authorities.sh).
record_in_etcd() {
    local trusted
    mapfile -t trusted < <(issuer_first "$KUBERNETES/pki/apiserver-etcd-client.crt" "$KUBERNETES/pki/etcd/ca.crt")
    etcdctl --dial-timeout 3s --command-timeout 8s put "openstack-paas/authorities/api/$NAME" "${trusted[0]} ${trusted[*]}" >/dev/null \
        || fail "cannot record in etcd which authorities this API server trusts"
}

# follow_together: pods are given the CA by whichever controller-manager leads: only once all of them have the same, the last
# control plane restarts the pods on all of them.
follow_together() {
    local wanted lagging node nodes admin
    read_authorities
    annotate_authorities "$NAME"
    nodes=$(with_kubeconfig "$KUBERNETES/admin.conf" get nodes --selector node-role.kubernetes.io/control-plane --output json) \
        || fail "cannot list the control planes at $ENDPOINT"
    forget_gone <<<"$nodes"
    lagging=$(nodes_without "((.trusted // []) | sort) == (\"${wanted[*]}\" / \" \" | sort)" <<<"$nodes")
    if [ -n "$lagging" ]; then
        log "pods follow when all control planes trust the same; still to come: $lagging"
        return 0
    fi
    admin=$(temporary --directory)
    local API_IDENTITY=(--cacert "$folder/pki/ca.crt" --cert "$admin/crt" --key "$admin/key")
    kubeconfig_field "$KUBERNETES/admin.conf" client-key-data >"$admin/key"
    kubeconfig_field "$KUBERNETES/admin.conf" client-certificate-data >"$admin/crt"
    while read -r node; do
        ! pods_lag "$node" || renew_pods "$node"
        annotate_pods "$node"
    done < <(jq --raw-output '.items[].metadata.name' <<<"$nodes")
}

# forget_gone: what former control planes have recorded for etcd's members; the present ones come on standard input.
forget_gone() {
    local key names
    names=" $(jq --raw-output '[.items[].metadata.name] | join(" ")') "
    while read -r key; do
        if [ -n "$key" ] && [[ $names != *" ${key##*/} "* ]]; then
            etcdctl --dial-timeout 3s --command-timeout 8s del "$key" >/dev/null
            log "removed the record of ${key##*/}, which is gone"
        fi
    done < <(etcdctl --dial-timeout 3s --command-timeout 8s get --prefix --keys-only openstack-paas/authorities/api/)
}

# annotate_pods NODE: of another node's annotation, only what its pods know changes.
annotate_pods() {
    local patch
    ask GET "/api/v1/nodes/$1" || fail "cannot read the node $1: $(api_said)"
    patch=$(jq --compact-output --arg key "$AUTHORITIES" --arg wanted "${wanted[*]}" '
        {metadata: {annotations: {($key): (.metadata.annotations[$key] | fromjson | .pods = $wanted / " " | tojson)}}}' "$api_body")
    mark_node "$1" "$patch"
}

# publish_authorities: cluster-info is what machines of people's own join by.
publish_authorities() {
    local told trusted
    told=$(with_kubeconfig "$KUBERNETES/admin.conf" --namespace kube-public get configmap cluster-info --output 'jsonpath={.data.kubeconfig}') \
        || fail "cannot read what the cluster publishes at $ENDPOINT (configmap cluster-info in kube-public)"
    trusted="certificate-authority-data: $(base64 --wrap 0 <"$folder/pki/ca.crt")"
    [[ $told != *"$trusted"* ]] || return 0
    told=$(jq --null-input --raw-output --arg told "$told" --arg trusted "$trusted" '$told | sub("certificate-authority-data: [^\n]*"; $trusted)')
    with_kubeconfig "$KUBERNETES/admin.conf" --namespace kube-public patch configmap cluster-info --type merge \
        --patch "$(jq --null-input --compact-output --arg told "$told"$'\n' '{data: {kubeconfig: $told}}')" >/dev/null \
        || fail "the API at $ENDPOINT does not publish the authorities (configmap cluster-info in kube-public)"
    log "the cluster publishes what is trusted now"
}

# renew_control_plane: everything of a control plane.
renew_control_plane() {
    local name
    local -A olds=()
    remember_reads
    renew_own
    while read -r name; do embed_authorities "$KUBERNETES/$name.conf"; done < <(own_kubeconfigs)
    apply_reads kube-apiserver
    record_in_etcd
    follow_signing
    apply_reads kube-controller-manager kube-scheduler
    trust_on_kubelet
    renew_serving
    end_kubelet_lag
    publish_authorities
    follow_together
    end_certificate_epoch
}
