"""A machine's data on a volume of its own: found, given a file system when there is nothing at all on it, mounted.

Data is never hidden and never overwritten: whatever is not understood ends the run, and the disk stays as it is.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine, NotYet
from agent.system import files

#: Seconds: nova has attached the disk already, the kernel and udev take moments to name it.
DISK_SECONDS: Final = 90
#: Seconds for a running machine to see a larger volume.
GROWTH_SECONDS: Final = 30
#: Seconds for a program that writes to the whole disk: it may be large, and the whole run has a limit of its own.
LONG_SECONDS: Final = 700
UNITS: Final = "/etc/systemd/system"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Volume:
    """The volume by its id, its size, where it is mounted, and the service that never runs without it.

    `mount_unit` holds @UUID@ for the file system's; `service_drop_in` is the service's.
    """

    id: str
    gib: int
    path: str
    service: str
    mount_unit: str
    service_drop_in: str


def attach(machine: Machine, volume: Volume) -> None:
    """All steps, before a role's own. Raises Failed wherever data could be hidden or lost."""
    disk = machine.step("disk", lambda: wait_for_disk(machine, volume))
    machine.step("mount point", lambda: refuse_to_hide(machine, volume, disk))
    machine.step("file system", lambda: make_file_system(machine, volume, disk))
    machine.step("check", lambda: check_file_system(machine, volume, disk))
    unit = machine.step("mount unit", lambda: write_mount_unit(machine, volume, disk))
    machine.step("mount", lambda: mount(machine, volume, disk, unit))
    machine.step("size", lambda: grow(machine, volume, disk))


def wait_for_disk(machine: Machine, volume: Volume) -> Path:
    """The volume's disk, once it is there."""
    what = f"the disk of the volume {volume.id}"
    disk = machine.retry_until(DISK_SECONDS, what, lambda: find_disk(machine, volume.id))
    machine.log(f"the volume {volume.id} is {disk}")
    return disk


def find_disk(machine: Machine, volume_id: str) -> Path:
    """The disk whose serial number is the volume's id. Raises NotYet without one, Failed when there are several.

    virtio has room for 20 characters of it; virtio-scsi and SATA have names of their own
    (https://docs.openstack.org/nova/latest/user/block-device-mapping.html).
    """
    short, folder = volume_id[:20], machine.path("/dev/disk/by-id")
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    is_ours = re.compile(
        rf"virtio-{re.escape(short)}|scsi-[0S]QEMU_QEMU_HARDDISK_{re.escape(short)}.*|.*_{re.escape(volume_id)}"
    )
    # A partition has its disk's name, and -part1 after it.
    ours = [folder / name for name in names if is_ours.fullmatch(name) and not re.search(r"-part\d+$", name)]
    disks = {str(path.resolve()) for path in ours if path.is_block_device()}
    if len(disks) > 1:
        found = ", ".join(sorted(disks))
        raise Failed(f"more than one disk has the serial number of the volume {volume_id}: {found}")
    if not disks:
        raise NotYet(f"no disk has the serial number {short}; there are: {'  '.join(names)}")
    return Path(disks.pop())


def mounted_on(machine: Machine, path: Path) -> tuple[str, str]:
    """What is mounted there: the device as MAJOR:MINOR, and its name; two empty texts when nothing is.

    As the kernel has it (proc_pid_mountinfo(5)); the last one covers those before it.
    """
    found = ("", "")
    for line in machine.path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        words = before.split()
        # Spaces and the like are in octal.
        point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[4])
        if point == str(path):
            name = after.split()[1]
            # A folder of a disk, mounted by itself, is not the disk.
            found = (words[2], name) if words[3] == "/" else ("a part of it", f"{words[3]} of {name}")
    return found


def is_mounted(machine: Machine, volume: Volume, disk: Path) -> bool:
    """Whether the volume is mounted where it belongs. Raises Failed when something else is."""
    device, name = mounted_on(machine, machine.path(volume.path))
    if not device:
        return False
    number = disk.stat().st_rdev
    if device != f"{os.major(number)}:{os.minor(number)}":
        raise Failed(f"{name} is mounted on {volume.path}, and not the volume {volume.id} ({disk})")
    return True


def refuse_to_hide(machine: Machine, volume: Volume, disk: Path) -> None:
    """What lies under the mount point would be there and not be seen. Raises Failed when there is anything."""
    if is_mounted(machine, volume, disk):
        return
    path = machine.path(volume.path)
    if path.is_symlink():
        raise Failed(f"{volume.path} is a symbolic link to {path.readlink()}: nothing can be mounted on it")
    try:
        below = sorted(entry.name for entry in path.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise Failed(f"cannot find out what is below {volume.path}: {error.strerror}") from None
    if below:
        raise Failed(
            f"{volume.path} on the machine's own disk holds data ({' '.join(below)}), which the volume would hide."
            " Replace this machine, so that it starts on the volume, or move the data away"
        )


def signatures(machine: Machine, disk: Path) -> dict[str, str]:
    """What is on the disk: file systems, partition tables, members of other things. Raises Failed when nobody knows."""
    ended = machine.run("blkid", "--probe", "--output", "export", "--", disk)
    # 2: it has found nothing; 8 is for contradictions (blkid(8)).
    if ended.status == 2 and not ended.output.strip():
        return {}
    if not ended:
        raise Failed(f"cannot find out what is on {disk}: blkid ended with status {ended.status}: {ended.said}")
    pairs = (line.partition("=") for line in ended.output.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs if name != "DEVNAME"}


def size_of(disk: Path) -> int:
    """Bytes of a disk."""
    with disk.open("rb") as file:
        return file.seek(0, os.SEEK_END)


def is_blank(disk: Path) -> bool:
    """The first and last MiB hold nothing either: not every use of a disk leaves a signature that blkid knows."""
    try:
        size = size_of(disk)
        length = min(size, 1 << 20)
        with disk.open("rb") as file:
            start = file.read(length)
            file.seek(size - length)
            return size > 0 and start == file.read(length) == bytes(length)
    except OSError as error:
        raise Failed(f"cannot read {disk}: {error.strerror}: it stays as it is") from None


def make_file_system(machine: Machine, volume: Volume, disk: Path) -> None:
    """Makes a file system on a disk on which there is nothing at all. Raises Failed when there is anything else."""
    found = signatures(machine, disk)
    if found.get("TYPE") == "ext4":
        return
    which = f"the volume {volume.id} ({disk})"
    if found:
        names = ("TYPE", "PTTYPE", "LABEL", "UUID", "USAGE")
        shown = " ".join(f"{name}={value}" for name, value in found.items() if name in names) or " ".join(found)
        raise Failed(
            f"{which} holds something else ({shown}): it stays as it is. Empty it or give this machine another volume"
        )
    if not is_blank(disk):
        raise Failed(
            f"{which} has no file system and is not empty: it stays as it is. Was it used encrypted or raw, or was a"
            " run cut off while it made a file system? Empty it or give this machine another volume"
        )
    # No room kept for root: the disk has one use. lazy: a new disk reads as zeroes, and writing them takes minutes.
    words = ("mkfs.ext4", "-q", "-m", "0", "-L", "openstack-paas", "-E", "lazy_itable_init=1,lazy_journal_init=1", "--")
    machine.must(*words, disk, what=f"mkfs.ext4 {disk}", seconds=LONG_SECONDS)
    machine.run("udevadm", "settle", "--timeout", "10", seconds=15)
    machine.log(f"made a file system on {disk}, which was empty")


def check_file_system(machine: Machine, volume: Volume, disk: Path) -> None:
    """A machine that was lost has not unmounted its disk. -p repairs what can be repaired safely; Failed otherwise."""
    if is_mounted(machine, volume, disk):
        return
    ended = machine.run("e2fsck", "-p", "--", disk, seconds=LONG_SECONDS)
    # Below 4: there was nothing to repair, or it has been repaired (e2fsck(8)).
    if ended.status >= 4:
        raise Failed(
            f"e2fsck does not repair {disk} by itself: {ended.said}. Look at it with e2fsck -f {disk} on this machine;"
            " it stays unmounted"
        )


def write_mount_unit(machine: Machine, volume: Volume, disk: Path) -> str:
    """The unit that mounts the volume, now and at each boot; its name."""
    uuid = signatures(machine, disk).get("UUID", "")
    if not _UUID.fullmatch(uuid):
        raise Failed(f"the file system on {disk} has no UUID that names it: '{uuid}'")
    unit = machine.must("systemd-escape", "--path", "--suffix=mount", "--", volume.path).strip()
    files.install(machine, volume.mount_unit.replace("@UUID@", uuid), f"{UNITS}/{unit}")
    # The service never starts without its disk, at boot neither: an empty folder would look like lost data.
    files.install(machine, volume.service_drop_in, f"{UNITS}/{volume.service}.d/50-openstack-paas-volume.conf")
    return unit


def mount(machine: Machine, volume: Volume, disk: Path, unit: str) -> None:
    """Mounts the volume, also at each boot. Raises Failed when anything else is mounted there afterwards."""
    machine.unit = unit
    if is_mounted(machine, volume, disk):
        machine.log("mounted already")
    path = machine.path(volume.path)
    path.mkdir(parents=True, exist_ok=True)
    machine.must("systemctl", "daemon-reload")
    machine.must("systemctl", "--quiet", "enable", unit)
    # Once more: the service may have started on the machine's own disk while the file system was checked.
    refuse_to_hide(machine, volume, disk)
    machine.must("systemctl", "start", unit, seconds=120)
    # Two disks may have one UUID (a copy of a volume): then it is another one.
    if not is_mounted(machine, volume, disk):
        raise Failed(f"systemd started {unit} and nothing is mounted on {volume.path}")


def grow(machine: Machine, volume: Volume, disk: Path) -> None:
    """The file system takes all of the volume. A volume that the machine does not see grow is not a failure."""
    deadline = machine.clock.monotonic() + GROWTH_SECONDS
    while size_of(disk) < volume.gib << 30:
        if machine.clock.monotonic() >= deadline:
            machine.log(
                f"the volume has {volume.gib} GiB and this machine sees {size_of(disk) >> 20} MiB of it:"
                " restart the machine and run this again to use the rest"
            )
            break
        # Not a wait of retry_until: its end is no failure.
        machine.clock.sleep(0.5)
    path = machine.path(volume.path)
    before = os.statvfs(path).f_blocks
    machine.must("resize2fs", disk, seconds=LONG_SECONDS)
    if os.statvfs(path).f_blocks != before:
        machine.log(f"the file system has grown to {size_of(disk) >> 20} MiB")
