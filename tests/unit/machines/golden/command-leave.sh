# openstack-paas: the node worker-1 leaves the cluster
set -- timeout --kill-after=20 4140 bash /opt/openstack-paas/gateway/leave.sh worker-1 10.20.1.10:6443 300 refuse
[ "$(id -u)" -eq 0 ] || set -- sudo --non-interactive "$@"
exec "$@"
