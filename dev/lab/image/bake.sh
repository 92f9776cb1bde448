#!/bin/bash
# bake.sh ROOT SECONDS: runs the agent (ROOT/root/bake/agent.pyz, with ROOT/root/bake/input as its standard input) inside a
# root filesystem as if it were a machine without an init. Its mounts and processes are its own and end with it.
set -euo pipefail

if [ "${BAKE_INSIDE:-}" != yes ]; then
    BAKE_INSIDE=yes exec unshare --mount --pid --fork --kill-child --propagation private -- "$0" "$@"
fi
root=$1 seconds=$2
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec env --ignore-environment \
    HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot "$root" python3 -I /root/bake/agent.pyz converge image "$seconds" <"$root/root/bake/input"
