# shellcheck shell=bash disable=SC2034
# What this machine shall be, in the words of the scripts.
NAME=worker-default-0
ADDRESS=10.20.1.40
PACKAGES=(ca-certificates curl iproute2 iputils-ping jq kmod nftables procps haproxy conntrack containerd ebtables ethtool ipset iptables runc socat kubeadm=1.34.2 kubectl=1.34.2 kubelet=1.34.2 kubernetes-cni=1.8.0)
APT_KEYS=('/etc/apt/keyrings/openstack-paas-cf26155d6325.asc https://packages.example/kubernetes/key.asc')
ETCD_ARCHIVES=()
EPOCH=''
KERNEL_VALUES=(net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1)
KERNEL_MODULES=(overlay br_netfilter)
KUBERNETES_VERSION=1.34.2
ENDPOINT=127.0.0.1:6443
IGNORE_PREFLIGHT_ERRORS=SystemVerification,Mem
VOLUME_DIRECTORIES=(/disks)
DRAINED=true
DRAIN_SECONDS=300
BARE_PODS=refuse
NODE_LABELS=(disk=local pool=default)
NODE_TAINTS=(dedicated=database:NoSchedule)
GENERATION=1
CERTIFICATE_EPOCH=''
RENEWAL_SECONDS=5184000
