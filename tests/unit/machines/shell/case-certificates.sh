#!/bin/bash
# shellcheck disable=SC2034,SC2154
# When certificates of a node are renewed, and how they are put in place.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
# shellcheck source=/dev/null
. "$(dirname "$0")/authorities.sh"
KUBERNETES=$ROOT/etc/kubernetes NAME=node-1 GENERATION=2 ENDPOINT=192.0.2.5:6443 at_work=true
ADDRESS=192.0.2.9 CERTIFICATE_EPOCH='' RENEWAL_SECONDS=$((5 * 86400)) SIGNING=()
API_NAMES=(192.0.2.9 kubernetes node-1)
cp "$SCRIPTS"/{common/{lib,services,digests,issuer},kubernetes/{authorities,node-certificates,static-pods,control-plane-certificates}}.sh "$folder"
# shellcheck source=/dev/null
for part in lib services digests issuer authorities node-certificates static-pods control-plane-certificates; do . "$folder/$part.sh"; done
mkdir -p "$KUBERNETES/pki" "$KUBERNETES/manifests" "$folder/pki" "$STATE"
authority first
authority second
leaf young first 20
leaf old first 4
bundle first second >"$folder/pki/ca.crt"

reason() { certificate_reason "$ROOT/made/$1.crt" "$folder/pki/ca.crt"; }
expect "a good one" "$(reason young)" ""
expect_contains "one that ends soon" "$(reason old)" "ends on "
expect "none" "$(reason nothing)" "is not there"
bundle second first >"$folder/pki/ca.crt"
expect "one of another authority" "$(reason young)" "was issued by other authorities than generation 2"
bundle first >"$folder/pki/ca.crt"
CERTIFICATE_EPOCH=spring
expect "one of another epoch" "$(reason young)" "is of another epoch than 'spring'"
end_certificate_epoch
expect "an epoch that is over" "$(reason young)" ""
at_work=false CERTIFICATE_EPOCH=summer
expect "a new machine" "$(reason young)" ""
at_work=true CERTIFICATE_EPOCH=spring

# The names of the API server.
leaf apiserver first 20 "subjectAltName=DNS:node-1,DNS:kubernetes,IP:192.0.2.9"
cp "$ROOT/made/apiserver.crt" "$KUBERNETES/pki/apiserver.crt"
outcome names_differ
expect "the names wanted" "$status" 1
API_NAMES+=(api.example.org)
outcome names_differ
expect "one name more" "$status" 0

# The way of signing.
echo "    - --cluster-signing-cert-file=$KUBERNETES/pki/ca.crt" >"$KUBERNETES/manifests/kube-controller-manager.yaml"
outcome signs_otherwise
expect "as kubeadm has it" "$status" 1
SIGNING=("--cluster-signing-cert-file=$KUBERNETES/pki/issuing-ca.crt")
outcome signs_otherwise
expect "with a file of its own" "$status" 0

# A worker's kubelet that asked the gateways asks its own machine from now on, once an API server answers there.
cat >"$KUBERNETES/kubelet.conf" <<'END'
- cluster:
    server: https://192.0.2.5:6443
  name: sample
END
KUBELET_KUBECONFIG=$KUBERNETES/kubelet.conf ENDPOINT=127.0.0.1:6443
ready_at() { echo "asked $1" >>"$ROOT/ready"; }
follow_endpoint >/dev/null
expect "the server" "$(cat "$KUBELET_KUBECONFIG")" "- cluster:
    server: https://127.0.0.1:6443
  name: sample"
expect "who can read it" "$(stat -c %a "$KUBELET_KUBECONFIG")" 600
expect "the kubelet has to start again" "$(ls "$KUBELET_LAGS")" "$KUBELET_LAGS"
expect "the API answered before" "$(cat "$ROOT/ready")" "asked 127.0.0.1:6443"
rm "$KUBELET_LAGS"
follow_endpoint
expect "a second time nothing changes" "$(ls "$KUBELET_LAGS" 2>/dev/null) $(wc -l <"$ROOT/ready")" " 1"
ENDPOINT=192.0.2.5:6443

# A kubeconfig that embeds one authority alone.
{
    echo "    certificate-authority-data: $(bundle first | base64 --wrap 0)"
    echo "    client-certificate-data: $(base64 --wrap 0 "$ROOT/made/young.crt")"
} >"$KUBERNETES/admin.conf"
expect "what is embedded" "$(kubeconfig_field "$KUBERNETES/admin.conf" client-certificate-data)" "$(cat "$ROOT/made/young.crt")"
outcome embeds_authorities "$KUBERNETES/admin.conf"
expect "embeds all" "$status" 0
bundle first second >"$folder/pki/ca.crt"
outcome embeds_authorities "$KUBERNETES/admin.conf"
expect "lacks one" "$status" 1

# A static pod is replaced when what it reads at the start has changed, and only then.
printf 'metadata:\n  labels:\n    component: kube-scheduler\nspec: {}\n' >"$KUBERNETES/manifests/kube-scheduler.yaml"
fake pgrep </dev/null
await_part() { echo "$1 $2" >>"$ROOT/awaited"; }
declare -A olds=()
echo one >"$KUBERNETES/scheduler.conf"
remember_reads
apply_reads kube-scheduler
expect "nothing has changed" "$(grep -c openstack-paas/read "$KUBERNETES/manifests/kube-scheduler.yaml" || true)" 0
echo two >"$KUBERNETES/scheduler.conf"
remember_reads
install_file() { cp "$3" "$4"; file_changed=true; }
apply_reads kube-scheduler
expect "another kubeconfig" "$(grep -cE '^    openstack-paas/read: x[0-9a-f]{12}$' "$KUBERNETES/manifests/kube-scheduler.yaml")" 1
apply_reads kube-scheduler
expect "once" "$(grep -c openstack-paas/read "$KUBERNETES/manifests/kube-scheduler.yaml")" 1
