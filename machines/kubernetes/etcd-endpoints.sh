#!/bin/bash
# Runs while this machine holds the lock of API servers in etcd: writes the members of etcd into the cluster's own record and
# into this machine's API server, and gives the lock back when it serves again. So one of them is away at a time.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine packages containerd node control-plane-state api-server-restart; do . "$folder/$part.sh"; done
current_step=endpoints

: >"$STATE/locked-failed"
current_unit=kubelet.service
# What control planes that join later are made with.
run_kubeadm "kubeadm's record" init phase upload-config kubeadm --config "$folder/files/init.yaml"
old=$(pgrep --exact --oldest kube-apiserver) || old=
run_kubeadm "the API server's manifest" init phase control-plane apiserver --config "$folder/files/init.yaml"
if [ -n "$old" ]; then
    retry_until 60 "the kubelet to stop the previous API server" stopped "$old"
    finish_off "$old"
fi
wait_until_it_serves "kube-apiserver .*--etcd-servers=$ETCD_ENDPOINTS( |\$)"
rm -f "$STATE/locked-failed"
