# shellcheck shell=bash disable=SC2034
# What this machine shall be, in the words of the scripts.
NAME=etcd-1
ADDRESS=10.20.1.21
PACKAGES=(ca-certificates curl iproute2 iputils-ping jq kmod nftables procps etcd=3.6.5 rclone age)
APT_KEYS=('/etc/apt/keyrings/openstack-paas-cf26155d6325.asc https://packages.example/kubernetes/key.asc')
ETCD_ARCHIVES=()
EPOCH=''
KERNEL_VALUES=()
KERNEL_MODULES=()
ETCD_VERSION=3.6.5
KUBERNETES_VERSION=1.34.2
CLUSTER_TOKEN=sample-token
GENERATION=1
MEMBERS=('etcd-0 10.20.1.20' 'etcd-1 10.20.1.21' 'etcd-2 10.20.1.22')
CONTROL_PLANES=(10.20.1.30 10.20.1.31 10.20.1.32)
QUOTA_BYTES=2147483648
BACKUP_MINUTES=30
KEEP='{"last": 8, "hourly": 24, "daily": 7, "weekly": 4}'
PLACES=('s3 backups/paas/sample-token' 'sftp /srv/backups/sample-token')
RECIPIENTS=(age1first age1second)
RCLONE_OPTIONS=(--ca-cert /opt/openstack-paas/etcd/files/s3-ca.crt)
