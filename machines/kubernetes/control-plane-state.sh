# shellcheck shell=bash
# What a control plane asks etcd about: whether there is a cluster, and whether it knows this node. Sourced after
# node.sh.

readonly INIT_LOCK=openstack-paas/init
export ETCDCTL_ENDPOINTS=$ETCD_ENDPOINTS
export ETCDCTL_CACERT=$KUBERNETES/pki/etcd/ca.crt
export ETCDCTL_CERT=$KUBERNETES/pki/apiserver-etcd-client.crt
export ETCDCTL_KEY=$KUBERNETES/pki/apiserver-etcd-client.key

install_pki() {
    local name issuing
    install -d -m 0755 "$KUBERNETES/pki" "$KUBERNETES/pki/etcd"
    # Not every reader takes more than one certificate; the first one issues.
    issuing=$(temporary)
    openssl x509 -in "$folder/pki/ca.crt" >"$issuing"
    install_file "$issuing" "$KUBERNETES/pki/issuing-ca.crt"
    for name in ca.crt front-proxy-ca.crt sa.pub etcd/ca.crt apiserver-etcd-client.crt; do
        install_file "$folder/pki/$name" "$KUBERNETES/pki/$name"
    done
    for name in ca.key front-proxy-ca.key sa.key apiserver-etcd-client.key; do
        install_file -m 0600 "$folder/pki/$name" "$KUBERNETES/pki/$name"
    done
}

# is_complete: this machine has been made a control plane, in this life of its disk.
is_complete() {
    [ -e "$STATE/joined" ] && [ -s "$KUBELET_KUBECONFIG" ] && [ -s "$KUBERNETES/manifests/kube-apiserver.yaml" ]
}

# in_etcd KEY: whether the key exists; status 2 when etcd does not answer.
in_etcd() {
    local seen
    seen=$(etcdctl --dial-timeout 3s --command-timeout 8s get --keys-only "$1" 2>&1) || { echo "$seen"; return 2; }
    [[ $'\n'$seen$'\n' == *$'\n'"$1"$'\n'* ]]
}

etcd_answers() {
    local status=0
    in_etcd /openstack-paas || status=$?
    ((status != 2))
}

wait_for_etcd() { retry_until 240 "etcd at $ETCD_ENDPOINTS to answer with a majority" etcd_answers; }

# cluster_is_recorded: kubeadm has left its configuration in the cluster, so an init has come that far.
cluster_is_recorded() { in_etcd /registry/configmaps/kube-system/kubeadm-config; }

# node_is_recorded: the kubelet of this name has registered.
node_is_recorded() { in_etcd "/registry/minions/$NAME"; }
