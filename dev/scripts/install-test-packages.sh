#!/usr/bin/env bash
# Installs the Debian packages that the tests need on this host: shellcheck, the programs that check rendered
# configuration files, the database for the tests of the chart's scripts, and the tools that copy backups.
set -Eeuo pipefail
wanted=(shellcheck haproxy keepalived nftables jq curl mariadb-server socat iproute2 util-linux busybox-static rclone age)
missing=()
for package in "${wanted[@]}"; do
    dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" -eq 0 ] || {
    echo "missing packages: install them (apt-get install ${missing[*]}) or run this as root" >&2
    exit 1
}
# No service may start: the tests only use these programs.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 0755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -o DPkg::Lock::Timeout=600 install --no-install-recommends "${missing[@]}" >/dev/null
