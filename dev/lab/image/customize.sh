#!/bin/sh
# Makes a freshly installed Debian a machine image: run by mmdebstrap with the folder of its root filesystem.
# What is done here is the part of a stand-in hypervisor whose machines are containers; nothing of it is the platform's.
set -eu
root=$1
here=$(dirname "$(readlink -f "$0")")

cp -r --no-preserve=ownership "$here/files/." "$root/"
chroot "$root" systemctl --quiet enable shared-mounts.service

# Devices, modules, consoles and kernel file systems are the host's.
chroot "$root" systemctl --quiet mask \
	systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
	systemd-udev-trigger.service systemd-udev-settle.service systemd-modules-load.service \
	getty@tty1.service console-getty.service systemd-networkd-wait-online.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount dev-hugepages.mount
# Ten machines share two cores: no background upgrades, checks and trims.
chroot "$root" systemctl --quiet mask \
	apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer dpkg-db-backup.timer

# Each machine gets its own name.
echo localhost >"$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
