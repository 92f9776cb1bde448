#!/bin/bash
# shellcheck disable=SC2034,SC2154
# kube-proxy is pointed at its own machine: once, again after kubeadm has written its configuration, and on from a run that
# was interrupted between the two changes.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
cp "$SCRIPTS"/{common/lib,kubernetes/{drain,kube-proxy},gateway/{administrator,point-kube-proxy}}.sh "$folder"
export MEMORY=$ROOT/memory
mkdir -p "$MEMORY" "$ROOT/api"
configuration=$ROOT/api/configmaps pods=$ROOT/api/daemonsets

# The API: objects are files, a merge patch is merged. It says which certificate it was shown.
fake curl <<'END'
while (($# > 0)); do
    case $1 in
        --request) method=$2; shift ;;
        --output) body=$2; shift ;;
        --data) data=$2; shift ;;
        --cert) [ "$(cat "$2")" = "certificate and key" ] || exit 58; shift ;;
        https://*) path=${1#https://192.0.2.5:6443} ;;
    esac
    shift
done
case $path in
    /api/v1/namespaces/kube-system/configmaps/kube-proxy) file=$ROOT/api/configmaps ;;
    /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy) file=$ROOT/api/daemonsets ;;
    *) file=/nonexistent ;;
esac
if [ ! -e "$file" ]; then
    printf 404
    exit 0
fi
if [ "$method" = PATCH ]; then
    echo "PATCH ${file##*/}" >>"$ROOT/asked"
    if [ "${file##*/}" = "$(cat "$ROOT/refused" 2>/dev/null)" ]; then
        printf 403
        exit 0
    fi
    jq --argjson patch "$data" '. * $patch' "$file" >"$file.new"
    mv "$file.new" "$file"
fi
cat "$file" >"$body"
printf 200
END

# kubeadm_writes: as `kubeadm init` and `kubeadm upgrade` do, for clients outside.
kubeadm_writes() {
    jq --null-input '{data: {"config.conf": "mode: iptables",
        "kubeconfig.conf": "clusters:\n- cluster:\n    server: https://192.0.2.5:6443\n  name: default\n"}}' >"$configuration"
    jq --null-input '{spec: {template: {metadata: {labels: {"k8s-app": "kube-proxy"}}, spec: {hostNetwork: true}}}}' >"$pods"
}
point() {
    : >"$ROOT/asked"
    outcome bash "$folder/point-kube-proxy.sh" 192.0.2.5:6443 https://127.0.0.1:6443 <<<"certificate and key"
}
server() { jq --raw-output '.data["kubeconfig.conf"]' "$configuration" | sed -n 's/^ *server: //p'; }
pointed() { jq --raw-output '.spec.template.metadata.annotations["openstack-paas/api"]' "$pods"; }

kubeadm_writes
point
expect "status" "$status" 0
expect "the server" "$(server)" https://127.0.0.1:6443
expect "the pods start again" "$(pointed)" https://127.0.0.1:6443
expect "the rest of the configuration" "$(jq --raw-output '.data["config.conf"]' "$configuration")" "mode: iptables"
expect "the rest of the pods" "$(jq --compact-output .spec.template.metadata.labels "$pods")" '{"k8s-app":"kube-proxy"}'
expect "nothing is left of the key" "$(ls "$MEMORY")" ""
point
expect "a second run changes nothing" "$(cat "$ROOT/asked")" ""

kubeadm_writes
point
expect "after an upgrade" "$(server) $(pointed)" "https://127.0.0.1:6443 https://127.0.0.1:6443"

kubeadm_writes
echo daemonsets >"$ROOT/refused"
point
expect "a refusal ends the run" "$status" 70
expect_contains "its words" "$output" "cannot change the DaemonSet kube-proxy: HTTP status 403"
rm "$ROOT/refused"
point
expect "the next run goes on" "$status $(cat "$ROOT/asked")" "0 PATCH daemonsets"

rm "$configuration"
point
expect "a cluster without it" "$status" 0
expect_contains "says so" "$output" "this cluster has no kube-proxy"
