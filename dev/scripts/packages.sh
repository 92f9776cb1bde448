#!/usr/bin/env bash
# Debian packages that the tests need on this machine: shellcheck, the programs that check the configs we render, and the
# database whose members the chart's scripts are tried with, and what carries backups away.
set -Eeuo pipefail
wanted=(shellcheck haproxy keepalived nftables jq curl mariadb-server socat iproute2 util-linux busybox-static rclone age)
missing=()
for package in "${wanted[@]}"; do
    dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" -eq 0 ] || {
    echo "missing: ${missing[*]}; install them (apt-get install ${missing[*]}) or run as root" >&2
    exit 1
}
# Nothing may be started: these are checkers here, not services.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -o DPkg::Lock::Timeout=600 install --no-install-recommends "${missing[@]}" >/dev/null
