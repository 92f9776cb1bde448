#!/bin/bash
# converge of a machine whose data lies on a volume of its own: mounts it, then runs the role's own script, `role`.
# A disk gets a file system only when there is nothing at all on it; data is never hidden and never overwritten.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine; do . "$folder/$part.sh"; done

readonly DISKS=${DISKS:-/dev/disk/by-id}
readonly UNITS=${ROOT:-}/etc/systemd/system
readonly MOUNT_POINT=${ROOT:-}$VOLUME_PATH
# Seconds: nova has attached the disk already, the kernel and udev take moments to name it.
readonly DISK_LIMIT=${DISK_LIMIT:-90}
readonly GROWTH_LIMIT=${GROWTH_LIMIT:-30}
disk=
unit=

# find_disk: prints the disk whose serial number is the volume's id. virtio has room for 20 characters of it; virtio-scsi
# and SATA have names of their own (https://docs.openstack.org/nova/latest/user/block-device-mapping.html).
find_disk() {
    local path
    for path in "$DISKS/virtio-${VOLUME_ID:0:20}" "$DISKS"/scsi-0QEMU_QEMU_HARDDISK_"${VOLUME_ID:0:20}"* \
        "$DISKS"/scsi-SQEMU_QEMU_HARDDISK_"${VOLUME_ID:0:20}"* "$DISKS"/*_"$VOLUME_ID"; do
        if [ -b "$path" ]; then
            readlink -f -- "$path"
            return 0
        fi
    done
    echo "no disk has the serial number ${VOLUME_ID:0:20}; there are: $(ls -C -w 0 -- "$DISKS" 2>/dev/null)"
    return 1
}

wait_for_disk() {
    retry_until "$DISK_LIMIT" "the disk of the volume $VOLUME_ID" find_disk
    disk=$(find_disk)
    log "the volume $VOLUME_ID is $disk"
}

# signatures: what is on the disk: file systems, partition tables, members of other things.
signatures() {
    local seen status=0
    seen=$(blkid --probe --output export -- "$disk" 2>&1) || status=$?
    case $status in
        0) grep -E '^(TYPE|PTTYPE|LABEL|UUID|USAGE)=' <<<"$seen" | tr '\n' ' ' ;;
        # Nothing was found.
        2) ;;
        *) fail "cannot find out what is on $disk: blkid ended with status $status: $seen" ;;
    esac
}

# is_blank: the first and last MiB hold nothing either: not every use of a disk leaves a signature that blkid knows.
is_blank() {
    local size mebibyte=1048576
    size=$(blockdev --getsize64 "$disk")
    cmp --silent --bytes="$mebibyte" -- "$disk" /dev/zero &&
        cmp --silent --bytes="$mebibyte" --ignore-initial="$((size - mebibyte)):0" -- "$disk" /dev/zero
}

make_file_system() {
    local seen
    seen=$(signatures)
    if [[ $seen == *TYPE=ext4* ]]; then
        return 0
    fi
    [ -z "$seen" ] || fail "the volume $VOLUME_ID ($disk) holds something else (${seen% }): it stays as it is. Empty it or" \
        "give this machine another volume"
    is_blank || fail "the volume $VOLUME_ID ($disk) has no file system and is not empty: it stays as it is. Was it used" \
        "encrypted or raw? Empty it or give this machine another volume"
    # No room kept for root: the disk has one use. lazy: a new disk reads as zeroes, and writing them takes minutes.
    seen=$(mkfs.ext4 -q -m 0 -L openstack-paas -E lazy_itable_init=1,lazy_journal_init=1 -- "$disk" 2>&1) \
        || fail "mkfs.ext4 $disk: $seen"
    udevadm settle --timeout 10 2>/dev/null || true
    log "made a file system on $disk, which was empty"
}

# refuse_to_hide: what lies under the mount point would be there and not be seen.
refuse_to_hide() {
    local below
    mountpoint --quiet -- "$MOUNT_POINT" && return 0
    below=$(find "$MOUNT_POINT" -mindepth 1 -maxdepth 1 -printf '%f ' 2>/dev/null) || true
    [ -z "$below" ] || fail "$VOLUME_PATH on the machine's own disk holds data (${below% }), which the volume would hide." \
        "Replace this machine, so that it starts on the volume, or move the data away"
}

# check_file_system: a machine that was lost has not unmounted its disk. -p repairs what can be repaired safely.
check_file_system() {
    local seen status=0
    mountpoint --quiet -- "$MOUNT_POINT" && return 0
    seen=$(e2fsck -p -- "$disk" 2>&1) || status=$?
    ((status < 4)) || fail "e2fsck does not repair $disk by itself: $(tail -n 3 <<<"$seen"). Look at it with e2fsck -f $disk" \
        "on this machine; it stays unmounted"
}

write_mount_unit() {
    local uuid rendered
    uuid=$(blkid --probe --match-tag UUID --output value -- "$disk")
    unit=$(systemd-escape --path --suffix=mount -- "$VOLUME_PATH")
    rendered=$(temporary)
    sed -e "s/@UUID@/$uuid/" -- "$folder/files/volume.mount" >"$rendered"
    install_file "$rendered" "$UNITS/$unit"
    # The service never starts without its disk, at boot neither: an empty folder would look like lost data.
    install_file "$folder/files/volume-service.conf" "$UNITS/$VOLUME_SERVICE.d/50-openstack-paas-volume.conf"
}

mount_volume() {
    local source
    current_unit=$unit
    if mountpoint --quiet -- "$MOUNT_POINT"; then
        source=$(readlink -f -- "$(findmnt --noheadings --output SOURCE --target "$MOUNT_POINT")")
        [ "$source" = "$disk" ] || fail "$source is mounted on $VOLUME_PATH, and not the volume $VOLUME_ID ($disk)"
        log "mounted already"
    fi
    mkdir -p -- "$MOUNT_POINT"
    systemctl daemon-reload
    systemctl --quiet enable "$unit"
    systemctl start "$unit"
    mountpoint --quiet -- "$MOUNT_POINT" || fail "systemd started $unit and nothing is mounted on $VOLUME_PATH"
}

# disk_has_grown: a running machine sees a larger volume after a moment.
disk_has_grown() {
    (($(blockdev --getsize64 "$disk") >= VOLUME_GIB * 1073741824))
}

grow() {
    local before seen deadline=$((SECONDS + GROWTH_LIMIT))
    until disk_has_grown; do
        if ((SECONDS >= deadline)); then
            log "the volume has $VOLUME_GIB GiB and this machine sees $(($(blockdev --getsize64 "$disk") >> 20)) MiB of it:" \
                "restart the machine and run this again to use the rest"
            break
        fi
        sleep 0.5
    done
    before=$(stat --file-system --format %b -- "$MOUNT_POINT")
    seen=$(resize2fs "$disk" 2>&1) || fail "resize2fs $disk: $seen"
    if [ "$(stat --file-system --format %b -- "$MOUNT_POINT")" != "$before" ]; then
        log "the file system has grown to $(($(blockdev --getsize64 "$disk") >> 20)) MiB"
    fi
}

take_lock
step "cloud-init" wait_for_cloud_init
step "disk" wait_for_disk
step "mount point" refuse_to_hide
step "file system" make_file_system
step "check" check_file_system
step "mount unit" write_mount_unit
step "mount" mount_volume
step "size" grow
clean_up
OPENSTACK_PAAS_STARTED=$started exec "$folder/role"
