#!/bin/bash
# On a control plane, as root: `stop` or `start` NAME, a static pod. Stopped, it comes back by itself after ten minutes.
set -euo pipefail
what=$1 name=$2
here=/etc/kubernetes/manifests/$name.yaml
kept=/etc/kubernetes/openstack-paas-drill/$name.yaml
unit=openstack-paas-drill-$name
case $what in
stop)
    [ -e "$here" ] || { echo "$here: no such manifest" >&2; exit 1; }
    install -d -m 0700 "${kept%/*}"
    systemctl stop "$unit.timer" "$unit.service" 2>/dev/null || true
    systemd-run --quiet --collect --unit "$unit" --on-active 600 mv -n "$kept" "$here"
    mv "$here" "$kept"
    # The kubelet would end it gracefully, and it would release its lease; a lost one cannot.
    filter="labels.\"io.kubernetes.pod.namespace\"==kube-system,labels.\"io.kubernetes.container.name\"==$name"
    mapfile -t containers < <(timeout 10 ctr --namespace k8s.io containers list --quiet "$filter")
    for container in "${containers[@]}"; do
        timeout 10 ctr --namespace k8s.io tasks kill --signal SIGKILL "$container" 2>/dev/null || true
    done
    ;;
start)
    systemctl stop "$unit.timer" 2>/dev/null || true
    [ ! -e "$kept" ] || mv -n "$kept" "$here"
    [ -e "$here" ] || { echo "$here: no such manifest" >&2; exit 1; }
    ;;
*) echo "stop or start, not $what" >&2; exit 2 ;;
esac
