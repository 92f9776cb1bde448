# openstack-paas: the node prod-worker-general-1 leaves the cluster
set -- timeout --kill-after=20 4140 bash /opt/openstack-paas/gateway/leave.sh prod-worker-general-1 10.20.0.5:6443 300 refuse
[ "$(id -u)" -eq 0 ] || set -- sudo --non-interactive "$@"
exec "$@"
