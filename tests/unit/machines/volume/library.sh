# shellcheck shell=bash disable=SC2034,SC2154
# For the cases beside this file. They run in a mount namespace of their own, on loop devices, with every path of the
# machine below $ROOT. `machine NAME` starts a new machine: its own disk is empty, its volume is as it was.
# shellcheck source=/dev/null
. "$(dirname "${BASH_SOURCE[0]}")/../shell/prelude.sh"

export VOLUME_ID=0b4f7ad8-5c1e-4a8e-9d3c-2f1a6b7c8d9e
export DISKS=$ROOT/by-id DISK_LIMIT=2 GROWTH_LIMIT=1
mkdir -p "$DISKS"
BACKING=$ROOT/volume.img
top=$ROOT
loop=

# make_disk MIB: an empty volume of that size, found by its serial number.
make_disk() {
    truncate -s "$1M" "$BACKING"
    loop=$(losetup --find --show "$BACKING")
    ln -sf "$loop" "$DISKS/virtio-${VOLUME_ID:0:20}"
}
release() {
    local path
    for path in "$top"/*/var/lib/etcd; do ! mountpoint --quiet "$path" || umount "$path"; done
    [ -z "$loop" ] || losetup --detach "$loop"
}
trap release EXIT

# The systemd of a machine: starting a mount unit mounts what the unit says, below $ROOT.
fake systemctl <<'FAKE'
echo "systemctl $*" >>"$ROOT/calls"
case $1 in
    start)
        unit=$ROOT/etc/systemd/system/$2
        value() { sed -n "s/^$1=//p" "$unit"; }
        what=$(value What)
        where=$ROOT$(value Where)
        mountpoint --quiet "$where" || mount -t "$(value Type)" -o "$(value Options)" "UUID=${what#/dev/disk/by-uuid/}" "$where"
        ;;
esac
FAKE

# machine NAME [GIB]: a machine with nothing on its own disk, and the bundle of a member of etcd.
machine() {
    ROOT=$top/$1
    folder=$ROOT/opt/openstack-paas/etcd
    export ROOT folder
    mkdir -p "$folder/files" "$ROOT/etc/systemd/system"
    cp "$SCRIPTS"/common/{lib,services,machine}.sh "$folder/"
    cp "$SCRIPTS/common/volume.sh" "$folder/converge"
    cp "$FILES"/volume* "$folder/files/"
    cat >"$folder/settings.sh" <<SETTINGS
NAME=etcd-0
VOLUME_ID=$VOLUME_ID
VOLUME_GIB=${2:-1}
VOLUME_PATH=/var/lib/etcd
VOLUME_SERVICE=etcd.service
SETTINGS
    printf '#!/bin/bash\necho "the role runs"\n' >"$folder/role"
    chmod 0755 "$folder/role"
}
# On a machine of the tests every file belongs to whoever runs them.
converge() {
    outcome bash "$folder/converge"
    printf '%s\n' "--- $ROOT" "$output"
}
stop_machine() { umount "$ROOT/var/lib/etcd"; }
