#!/bin/bash
# On a node, as root: kill the first process of container CONTAINER of pod NAMESPACE/POD, as a crash would. containerd's
# own client does it: crictl is not on every node.
set -euo pipefail
namespace=$1 pod=$2 container=$3
label='labels."io.kubernetes'
filter="$label.pod.namespace\"==$namespace,$label.pod.name\"==$pod,$label.container.name\"==$container"
mapfile -t ids < <(timeout 10 ctr --namespace k8s.io containers list --quiet "$filter")
killed=0
for id in "${ids[@]}"; do
    # Old containers have no task any more.
    if timeout 10 ctr --namespace k8s.io tasks kill --signal SIGKILL "$id" 2>/dev/null; then killed=1; fi
done
((killed)) || { echo "container $container of pod $namespace/$pod does not run here" >&2; exit 1; }
