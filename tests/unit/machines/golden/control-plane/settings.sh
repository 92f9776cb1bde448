# shellcheck shell=bash disable=SC2034
# What this machine shall be, in the words of the scripts.
NAME=control-plane-0
ADDRESS=10.20.1.30
PACKAGES=(ca-certificates curl iproute2 iputils-ping jq kmod nftables procps conntrack containerd ebtables ethtool ipset iptables runc socat kubeadm=1.34.2 kubectl=1.34.2 kubelet=1.34.2 kubernetes-cni=1.8.0 etcd=3.6.5)
APT_KEYS=('/etc/apt/keyrings/openstack-paas-cf26155d6325.asc https://packages.example/kubernetes/key.asc')
ETCD_ARCHIVES=()
EPOCH=''
KERNEL_VALUES=(net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1)
KERNEL_MODULES=(overlay br_netfilter)
KUBERNETES_VERSION=1.34.2
ENDPOINT=10.20.1.10:6443
IGNORE_PREFLIGHT_ERRORS=SystemVerification,Mem
VOLUME_DIRECTORIES=()
DRAINED=true
DRAIN_SECONDS=300
BARE_PODS=refuse
NODE_LABELS=()
NODE_TAINTS=(node-role.kubernetes.io/control-plane=:NoSchedule)
GENERATION=1
CERTIFICATE_EPOCH=''
RENEWAL_SECONDS=5184000
API_PORT=6443
ETCD_ENDPOINTS=https://10.20.1.20:2379,https://10.20.1.21:2379,https://10.20.1.22:2379
API_NAMES=(10.20.0.10 10.20.1.10 10.20.1.30 10.96.0.1 192.0.2.10 control-plane-0 kubernetes kubernetes.default kubernetes.default.svc kubernetes.default.svc.cluster.local)
SIGNING=()
