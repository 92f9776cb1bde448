#!/bin/bash
# pack.sh ROOT TAR: cleans what a build leaves behind and packs a root filesystem as a machine image.
set -euo pipefail
root=$1
rm -rf "$root/root/bake" "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/var/lib/containerd/* "$root"/var/log/*.log \
    "$root"/var/log/apt
# Each machine gets its own identity and host keys, and its name servers from DHCP.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
tar --create --file "$2" --directory "$root" --numeric-owner --xattrs --xattrs-include='*' --one-file-system --sort=name .
