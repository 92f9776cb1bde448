"""Files: put in place whole, with what they hold on the disk before their name is, and only where they differ."""

import grp
import os
import pwd
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine
from agent.programs import Ended

#: Around the lines that the platform keeps in a file of somebody else's.
MARK: Final = "openstack-paas: kept by converge"


def write(path: Path, content: "str | bytes", mode: int = 0o644, owner: str = "") -> None:
    """Writes a file whole or not at all; after a power cut it is the old one or the new one.

    `owner` is USER:GROUP, by name or number; without, it is whoever runs this, which is root on machines.
    """
    user, group = ids(owner)
    make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=".new.", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchown(descriptor, user, group)
            # After the owner, for a change of it takes some modes away.
            os.fchmod(descriptor, mode)
            file.write(_bytes(content))
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, where they are not there; their names are on the disk too."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def ids(owner: str) -> tuple[int, int]:
    """The numbers of USER:GROUP, each a name or a number; of whoever runs this for an empty one. Raises Failed."""
    user, _, group = owner.partition(":")
    try:
        return (
            os.geteuid() if not user else int(user) if user.isdecimal() else pwd.getpwnam(user).pw_uid,
            os.getegid() if not group else int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid,
        )
    except KeyError:
        raise Failed(f"there is no such user or group: {owner}") from None


def _bytes(content: "str | bytes") -> bytes:
    """Whatever bytes of a file were read as text are the same bytes again (see replace_block)."""
    return content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content


def sync_folder(folder: Path) -> None:
    """Names in the folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def install(
    machine: Machine,
    content: "str | bytes",
    target: str,
    mode: int = 0o644,
    owner: str = "",
    check: Callable[[Path], Ended] | None = None,
) -> bool:
    """Puts a file in place where it differs, and returns whether it did.

    `check` is asked about the new content, beside the target. When it says no, the old file stays. Raises Failed.
    """
    path = machine.path(target)
    if _is_same(path, _bytes(content), mode, owner):
        return False
    if check is not None:
        make_folder(path.parent)
        with tempfile.TemporaryDirectory(prefix=".check.", dir=path.parent) as folder:
            new = Path(folder) / path.name
            write(new, content, mode, owner)
            found = check(new)
        if not found:
            raise Failed(f"{target} would not be valid, the old one stays: {found.said}")
    write(path, content, mode, owner)
    machine.log(f"wrote {target}")
    return True


def _is_same(path: Path, data: bytes, mode: int, owner: str) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != mode:
            return False
        return (found.st_uid, found.st_gid) == ids(owner) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def remove(machine: Machine, target: str) -> bool:
    """Removes a file; returns whether there was one."""
    path = machine.path(target)
    if not path.exists() and not path.is_symlink():
        return False
    path.unlink()
    sync_folder(path.parent)
    machine.log(f"removed {target}")
    return True


def install_or_remove(machine: Machine, content: str, target: str, mode: int = 0o644) -> bool:
    """Empty content means that there must be no such file. Returns whether anything changed."""
    return install(machine, content, target, mode) if content else remove(machine, target)


def replace_block(machine: Machine, content: str, target: str) -> bool:
    """Keeps `content` between two markers in a file whose other lines, mode and owner stay. Returns whether it changed.

    Markers that do not belong together go; the lines after or before them may be somebody's and stay.
    """
    path = machine.path(target)
    begin, end = f"# begin {MARK}\n", f"# end {MARK}\n"
    old, mode, owner = "", 0o644, ""
    if path.exists():
        found = path.stat()
        mode, owner = stat.S_IMODE(found.st_mode), f"{found.st_uid}:{found.st_gid}"
        old = path.read_text(encoding="utf-8", errors="surrogateescape")
    elif not content:
        return False
    if old and not old.endswith("\n"):
        old += "\n"
    block = rf"^{re.escape(begin)}(?:(?!{re.escape(begin)}).*\n)*?{re.escape(end)}"
    others = re.sub(block, "", old, flags=re.MULTILINE)
    others = re.sub(rf"^(?:{re.escape(begin)}|{re.escape(end)})", "", others, flags=re.MULTILINE)
    if content and not content.endswith("\n"):
        content += "\n"
    return install(machine, others + (f"{begin}{content}{end}" if content else ""), target, mode, owner)


def read(path: Path) -> str:
    """What the file holds, without the spaces around it; nothing where there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""
