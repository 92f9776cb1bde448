#!/bin/sh
# Gives the unpacked iptables package its names: what Debian's alternatives would choose, iptables over nftables.
set -eu
root=$1
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
	ln -sf xtables-nft-multi "$root/usr/sbin/$name"
done
rm -rf "$root/usr/share/bash-completion" "$root/usr/share/initramfs-tools"
mkdir -p "$root/tmp" "$root/run" "$root/etc"
chmod 1777 "$root/tmp"
printf 'root:x:0:0:root:/root:/sbin/nologin\n' >"$root/etc/passwd"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
