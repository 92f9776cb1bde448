#!/bin/bash
# shellcheck disable=SC2034,SC2154,SC2317
# Authorities change in stages: what a machine refuses, what a control plane refuses because of others, and which pods are
# replaced.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
# shellcheck source=/dev/null
. "$(dirname "$0")/authorities.sh"
KUBERNETES=$ROOT/etc/kubernetes NAME=node-1 GENERATION=2 ENDPOINT=192.0.2.5:6443 at_work=true
cp "$SCRIPTS"/{common/{lib,services,packages,digests,issuer},kubernetes/{authorities,node-certificates,static-pods,control-plane-certificates}}.sh "$folder"
PACKAGES=() ETCD_ARCHIVES=() APT_KEYS=()
ADDRESS=192.0.2.9 API_NAMES=() SIGNING=()
# shellcheck source=/dev/null
for part in lib services packages digests issuer authorities node-certificates static-pods control-plane-certificates; do . "$folder/$part.sh"; done
is_control_plane() { true; }
mkdir -p "$KUBERNETES/pki" "$folder/pki" "$STATE"
authority first
authority second

one=$(digests "$ROOT/made/first.crt")
two=$(digests "$ROOT/made/second.crt")
[[ $one =~ ^[0-9a-f]{12}$ ]] || { echo "no digest: $one" >&2; exit 1; }
bundle second first >"$folder/pki/ca.crt"
expect "digests in their order" "$(digests "$folder/pki/ca.crt" | xargs)" "$two $one"
leaf served first 10
expect "the issuer first" "$(issuer_first "$ROOT/made/served.crt" "$folder/pki/ca.crt" | xargs)" "$one $two"

# The API: the nodes' annotations.
fake kubectl <<'END'
cat "$ROOT/nodes"
END
with_kubeconfig() { kubectl; }
# others ANNOTATION: what the other node records of itself.
others() {
    jq --null-input --arg recorded "$1" '{items: [{metadata: {name: "node-2", annotations: {"openstack-paas/authorities": $recorded}}}]}' \
        >"$ROOT/nodes"
}
# stage NOW WANTED: names of authorities, the one that issues first.
stage() {
    # shellcheck disable=SC2086  # words
    bundle $1 >"$KUBERNETES/pki/ca.crt"
    # shellcheck disable=SC2086  # words
    bundle $2 >"$folder/pki/ca.crt"
    outcome guard_authorities
}

others '{}'
stage first first
expect "nothing changes" "$status" 0
stage first "first second"
expect "one more is trusted, whatever others tell" "$status" 0
stage first "second first"
expect "issuing before it is trusted" "$status" 70
expect_contains "that" "$output" "does not trust the authorities of generation 2 yet"
stage "first second" second
expect "gone before another issues" "$status" 70
expect_contains "that" "$output" "certificates.authorities.issuing"
stage "first second" "second first"
expect "another node's pods do not know it" "$status" 70
expect_contains "that" "$output" "yet, which are to issue: node-2"
others "{\"issuing\": \"$one\", \"trusted\": [\"$one\", \"$two\"], \"pods\": [\"$one\", \"$two\"]}"
stage "first second" "second first"
expect "everybody knows the new one" "$status" 0
stage "second first" second
expect "another node still has a certificate of the old one" "$status" 70
expect_contains "that" "$output" "not to be trusted any more on: node-2"
others "{\"issuing\": \"$two\", \"trusted\": [\"$one\", \"$two\"], \"pods\": [\"$one\", \"$two\"]}"
stage "second first" second
expect "nobody needs the old one" "$status" 0
at_work=false
stage first second
expect "a machine that is new" "$status" 0
at_work=true

# Pods: those that were given the CA before it was published as it is now.
api_body=$ROOT/body
api() {
    echo "$*" >>"$ROOT/asked"
    case $2 in
        */configmaps/*) cat "$ROOT/published.json" >"$api_body" ;;
        *) cat "$ROOT/pods.json" >"$api_body" ;;
    esac
}
ask() { api "$@"; }
# pod NAME START VOLUME: one that mounts the volume.
pod() {
    jq --null-input --arg name "$1" --arg start "$2" --arg volume "$3" '{metadata: {namespace: "default", $name, uid: "uid-\($name)"},
        spec: {volumes: [{name: "token", projected: {sources: [{serviceAccountToken: {}}, {configMap: {name: "kube-root-ca.crt"}}]}}],
               initContainers: [{volumeMounts: [{name: "token"}]}], containers: [{volumeMounts: [{name: $volume}]}]},
        status: {phase: "Running", startTime: $start}}'
}
{ pod old 2026-11-21T10:00:00Z token; pod young 2026-11-21T12:00:00Z token; pod without 2026-11-21T10:00:00Z data; } |
    jq --slurp '{items: .}' >"$ROOT/pods.json"
jq --null-input --rawfile ca "$folder/pki/ca.crt" '{data: {"ca.crt": $ca}, metadata: {managedFields: [
    {time: "2026-11-21T11:00:00Z", fieldsV1: {"f:data": {}}}, {time: "2026-11-21T13:00:00Z", fieldsV1: {}}]}}' >"$ROOT/published.json"
read_authorities
find_stale node-1
expect "only what has read the previous CA" "${stale[*]}" "default old uid-old"

# What people's own machines join by follows.
with_kubeconfig() {
    case $* in
        *get*) printf 'clusters:\n- cluster:\n    certificate-authority-data: b2xk\n    server: https://192.0.2.5:6443' ;;
        *) jq --raw-output .data.kubeconfig <<<"${*: -1}" >"$ROOT/cluster-info" ;;
    esac
}
publish_authorities >/dev/null
expect "the published authorities" "$(kubeconfig_field "$ROOT/cluster-info" certificate-authority-data)" "$(cat "$folder/pki/ca.crt")"
expect "the rest as it was" "$(tail -n 2 "$ROOT/cluster-info" | xargs)" "server: https://192.0.2.5:6443"

# Control planes that are gone hold nobody up.
fake etcdctl <<'END'
case $* in
    *get*) printf '%s\n\n' openstack-paas/authorities/api/node-1 openstack-paas/authorities/api/lost ;;
    *del*) echo "${*: -1}" >>"$ROOT/deleted" ;;
esac
END
forget_gone <<<'{"items": [{"metadata": {"name": "node-1"}}]}' >/dev/null
expect "only the one that is gone" "$(cat "$ROOT/deleted")" openstack-paas/authorities/api/lost
