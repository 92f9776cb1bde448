# shellcheck shell=bash
# Certificates of a node that runs: when they must be renewed, and the kubelet's. Sourced after authorities.sh.

readonly KUBELET_PKI=/var/lib/kubelet/pki
readonly CERTIFICATE_EPOCH_FILE=$STATE/certificate-epoch
# There while the kubelet runs with older files than there are.
readonly KUBELET_LAGS=$STATE/kubelet-lags

# epoch_began: whether the settings name another epoch than the one of this node's certificates.
epoch_began() {
    $at_work || return 1
    [ "$(cat "$CERTIFICATE_EPOCH_FILE" 2>/dev/null)" != "$CERTIFICATE_EPOCH" ]
}
end_certificate_epoch() { printf '%s\n' "$CERTIFICATE_EPOCH" >"$CERTIFICATE_EPOCH_FILE"; }

# certificate_reason FILE AUTHORITIES: why the certificate in FILE must be renewed, nothing when it need not. The first of
# AUTHORITIES issues.
certificate_reason() {
    local ends
    if ! ends=$(openssl x509 -in "$1" -noout -enddate 2>/dev/null); then
        echo "is not there"
    elif ! openssl x509 -in "$1" -noout -checkend "$RENEWAL_SECONDS" >/dev/null; then
        echo "ends on ${ends#*=}"
    elif ! openssl verify -no_check_time -partial_chain -CAfile <(openssl x509 -in "$2") "$1" >/dev/null 2>&1; then
        echo "was issued by other authorities than generation $GENERATION"
    elif epoch_began; then
        echo "is of another epoch than '$CERTIFICATE_EPOCH'"
    fi
}

# kubeconfig_field KUBECONFIG FIELD: as it is embedded, decoded. (kubectl would take ten times as long.)
kubeconfig_field() { sed -n "s/^ *$2: *//p" "$1" | sed -n 1p | base64 --decode; }

# embeds_authorities KUBECONFIG: whether it trusts exactly what is wanted.
embeds_authorities() { cmp --silent <(kubeconfig_field "$1" certificate-authority-data) "$folder/pki/ca.crt"; }

# embed KUBECONFIG: kubeadm embeds the first certificate alone.
embed() {
    local cluster
    cluster=$(kubectl config view --kubeconfig "$1" --output 'jsonpath={.clusters[0].name}')
    kubectl config set-cluster "$cluster" --kubeconfig "$1" --certificate-authority "$folder/pki/ca.crt" --embed-certs >/dev/null
}

# embed_authorities KUBECONFIG: in one that is in use.
embed_authorities() {
    local new
    ! embeds_authorities "$1" || return 0
    new=$(temporary)
    cat -- "$1" >"$new"
    embed "$new"
    install_file -m 0600 "$new" "$1"
}

# install_kubelet_certificate CERTIFICATE KEY: as the kubelet itself stores one.
install_kubelet_certificate() {
    local file
    file=$KUBELET_PKI/kubelet-client-$(date --utc +%Y-%m-%d-%H-%M-%S).pem
    : >"$KUBELET_LAGS"
    (umask 077 && cat "$1" "$2" >"$file")
    ln --symbolic --force "$file" "$KUBELET_PKI/.current.new"
    mv -T -- "$KUBELET_PKI/.current.new" "$KUBELET_PKI/kubelet-client-current.pem"
    log "wrote $file"
}

# sign_request: asks the cluster for this node's certificate with its present one: such a request is granted by itself. Until
# the authority that issues is the one that signed.
sign_request() {
    local name body reason
    name=openstack-paas-$NAME-${EPOCHREALTIME/./}
    body=$(jq --null-input --compact-output --arg name "$name" --rawfile request "$request_folder/request" '
        {apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: {$name}, spec: {
            request: ($request | @base64), signerName: "kubernetes.io/kube-apiserver-client-kubelet",
            usages: ["digital signature", "client auth"]}}')
    api POST /apis/certificates.k8s.io/v1/certificatesigningrequests "$body" || { api_said; return 1; }
    local begin=$SECONDS certificate=
    until [ -n "$certificate" ]; do
        ((SECONDS - begin < 20)) || { echo "the request $name is not answered"; return 1; }
        sleep 0.5
        api GET "/apis/certificates.k8s.io/v1/certificatesigningrequests/$name" || continue
        certificate=$(jq --raw-output '.status.certificate // empty' "$api_body")
    done
    base64 --decode <<<"$certificate" >"$request_folder/certificate"
    reason=$(at_work=false certificate_reason "$request_folder/certificate" "$folder/pki/ca.crt")
    # The controller-manager may take a minute to read a new authority.
    [ -z "$reason" ] || { sleep 4; echo "the certificate that the cluster gave $reason"; return 1; }
}

request_kubelet_certificate() {
    local request_folder
    request_folder=$(temporary --directory)
    (umask 077 && openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=system:nodes/CN=system:node:$NAME" \
        -keyout "$request_folder/key" -out "$request_folder/request" 2>/dev/null)
    retry_until 180 "the cluster to issue the kubelet's certificate" sign_request
    install_kubelet_certificate "$request_folder/certificate" "$request_folder/key"
}

# renew_serving: the kubelet makes its own when there is none. (With serverTLSBootstrap it asks the cluster by itself.)
renew_serving() {
    local reason=
    [ -e "$KUBELET_PKI/kubelet.crt" ] || return 0
    if ! openssl x509 -in "$KUBELET_PKI/kubelet.crt" -noout -checkend "$RENEWAL_SECONDS" >/dev/null; then
        reason="ends soon"
    elif epoch_began; then
        reason="is of another epoch than '$CERTIFICATE_EPOCH'"
    fi
    if [ -n "$reason" ]; then
        log "the kubelet's serving certificate $reason"
        : >"$KUBELET_LAGS"
        rm -f -- "$KUBELET_PKI/kubelet.crt" "$KUBELET_PKI/kubelet.key"
    fi
}

# trust_on_kubelet: its kubeconfig is read when it starts, what it trusts of its clients at once.
trust_on_kubelet() {
    install_file "$folder/pki/ca.crt" "$KUBERNETES/pki/ca.crt"
    if ! embeds_authorities "$KUBELET_KUBECONFIG"; then
        : >"$KUBELET_LAGS"
        embed_authorities "$KUBELET_KUBECONFIG"
    fi
}

# follow_endpoint: a worker that joined in an earlier release asked the gateways. Not before its own balancer leads to an API.
follow_endpoint() {
    local new
    if grep -qxE " *server: https://$ENDPOINT" "$KUBELET_KUBECONFIG"; then
        return 0
    fi
    retry_until 60 "an API server to answer through this machine's balancer ($ENDPOINT)" ready_at "$ENDPOINT"
    new=$(temporary)
    sed -E "s|^( *server: ).*|\\1https://$ENDPOINT|" "$KUBELET_KUBECONFIG" >"$new"
    : >"$KUBELET_LAGS"
    install_file -m 0600 "$new" "$KUBELET_KUBECONFIG"
}

# end_kubelet_lag: pods go on while their kubelet restarts.
end_kubelet_lag() {
    [ -e "$KUBELET_LAGS" ] || return 0
    restart_kubelet
    retry_until 120 "the node $NAME to be registered at $ENDPOINT" is_registered
    retry_until 120 "the node $NAME to be ready" node_is_ready
    rm -f -- "$KUBELET_LAGS"
}

# renew_worker: everything of a worker.
renew_worker() {
    local reason
    trust_on_kubelet
    follow_endpoint
    reason=$(certificate_reason "$KUBELET_CERTIFICATE" "$folder/pki/ca.crt")
    if [ -n "$reason" ]; then
        log "the kubelet's certificate $reason"
        request_kubelet_certificate
    fi
    renew_serving
    end_kubelet_lag
    follow_authorities
    end_certificate_epoch
}
