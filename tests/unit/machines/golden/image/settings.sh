# shellcheck shell=bash disable=SC2034
# What this machine shall be, in the words of the scripts.
PACKAGES=(ca-certificates curl iproute2 iputils-ping jq kmod nftables procps haproxy keepalived conntrack containerd ebtables ethtool ipset iptables runc socat kubeadm=1.34.2 kubectl=1.34.2 kubelet=1.34.2 kubernetes-cni=1.8.0 etcd=3.6.5 rclone age)
APT_KEYS=('/etc/apt/keyrings/openstack-paas-cf26155d6325.asc https://packages.example/kubernetes/key.asc')
ETCD_ARCHIVES=()
IMAGES=(registry.k8s.io/pause:3.10.1 registry.k8s.io/kube-proxy:v1.34.2)
