# shellcheck shell=bash disable=SC2034
# What this machine shall be, in the words of the scripts.
NAME=gateway-0
ADDRESS=10.20.1.11
PACKAGES=(ca-certificates curl iproute2 iputils-ping jq kmod nftables procps haproxy keepalived)
APT_KEYS=('/etc/apt/keyrings/openstack-paas-cf26155d6325.asc https://packages.example/kubernetes/key.asc')
ETCD_ARCHIVES=()
EPOCH=''
KERNEL_VALUES=(net.ipv4.ip_forward=1)
KERNEL_MODULES=()
EDGE_CIDR=10.20.0.0/24
PRIVATE_CIDR=10.20.1.0/24
PUBLIC_VIP=10.20.0.10
PRIVATE_VIP=10.20.1.10
PEERS=('gateway-1 10.20.1.12')
HEALTH_PORT=9000
API_PORT=6443
