#!/bin/bash
# shellcheck disable=SC2034,SC2154
# etcd's members go through the stages of other authorities only together, and together with the API servers.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
# shellcheck source=/dev/null
. "$(dirname "$0")/authorities.sh"
PKI=$ROOT/etc/etcd/pki ADDRESS=192.0.2.1 NAME=etcd-0 GENERATION=2 at_work=true
MEMBERS=("etcd-0 192.0.2.1" "etcd-1 192.0.2.2")
PACKAGES=() ETCD_ARCHIVES=() APT_KEYS=()
cp "$SCRIPTS"/{common/{lib,packages,digests,issuer},etcd/authorities}.sh "$folder"
# shellcheck source=/dev/null
for part in lib packages digests issuer authorities; do . "$folder/$part.sh"; done
mkdir -p "$PKI" "$folder/pki" "$STATE"
authority first
authority second
leaf old first 20
leaf new second 20
one=$(digests "$ROOT/made/first.crt")
two=$(digests "$ROOT/made/second.crt")

# What everyone has recorded is a file of "KEY" and "VALUE" lines.
etcdctl_at() {
    case $2 in
        get) cat "$ROOT/recorded" ;;
        put) printf '%s\n' "$3" "$4" >>"$ROOT/recorded" ;;
    esac
}
# recorded WHO VALUE...
recorded() { for ((i = 1; i < $#; i += 2)); do printf 'openstack-paas/authorities/%s\n%s\n' "${!i}" "${@:i+1:1}"; done >"$ROOT/recorded"; }
# stage LEAF AUTHORITIES NEW_LEAF NEW_AUTHORITIES
stage() {
    cp "$ROOT/made/$1.crt" "$PKI/server.crt"
    cp "$ROOT/made/$3.crt" "$folder/pki/server.crt"
    # shellcheck disable=SC2086  # words
    bundle $2 >"$PKI/ca.crt"
    # shellcheck disable=SC2086  # words
    bundle $4 >"$folder/pki/ca.crt"
    outcome guard_etcd_authorities
}

recorded
stage old first old "first second"
expect "one more is trusted" "$status" 0
stage old first new "first second"
expect "issuing before it is trusted" "$status" 70
recorded etcd/etcd-0 "$one $one $two" api/control-plane-0 "$one $one $two"
stage old "first second" new "first second"
expect "a member that has recorded nothing" "$status" 70
expect_contains "that" "$output" "etcd/etcd-1 do not trust the authorities of generation 2 yet"
recorded etcd/etcd-0 "$one $one $two" etcd/etcd-1 "$one $one $two" api/control-plane-0 "$one $one"
stage old "first second" new "first second"
expect_contains "an API server that does not trust it" "$output" "api/control-plane-0 do not trust"
recorded etcd/etcd-0 "$one $one $two" etcd/etcd-1 "$one $one $two"
stage old "first second" new "first second"
expect_contains "no API server has recorded anything" "$output" "api/(any)"
recorded etcd/etcd-0 "$one $one $two" etcd/etcd-1 "$one $one $two" api/control-plane-0 "$one $one $two"
stage old "first second" new "first second"
expect "everyone trusts it" "$status" 0
stage new "first second" new second
expect "somebody still has a certificate of the old one" "$status" 70
expect_contains "that" "$output" "still have certificates"
recorded etcd/etcd-0 "$two $one $two" etcd/etcd-1 "$two $one $two" api/control-plane-0 "$two $one $two"
stage new "first second" new second
expect "nobody has" "$status" 0
recorded etcd/etcd-0 "$two $one $two" etcd/etcd-1 "$two $one $two" etcd/etcd-9 "$one $one" api/control-plane-0 "$two $one $two"
stage new "first second" new second
expect "a former member does not count" "$status" 0

cp "$ROOT/made/new.crt" "$PKI/server.crt"
bundle first second >"$PKI/ca.crt"
: >"$ROOT/recorded"
record_authorities
expect "what this member records" "$(xargs <"$ROOT/recorded")" "openstack-paas/authorities/etcd/etcd-0 $two $two $one"
