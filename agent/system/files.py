"""Files: put in place whole, with what they hold on the disk before their name is, and only where they differ."""

import os
import re
import shutil
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
    """Writes a file whole or not at all; after a power cut it is the old one or the new one. `owner` is USER:GROUP."""
    data = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=".new.", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            if owner:
                user, _, group = owner.partition(":")
                shutil.chown(new, user, group or None)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


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

    `check` is asked about the new content in a file beside the target; raises Failed when it says no, and the old file
    stays.
    """
    path = machine.path(target)
    data = content.encode() if isinstance(content, str) else content
    if _is_same(path, data, mode, owner):
        return False
    if check is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".check.", dir=path.parent) as folder:
            new = Path(folder) / path.name
            write(new, data, mode, owner)
            found = check(new)
        if not found:
            raise Failed(f"{target} would not be valid, the old one stays: {found.said}")
    write(path, data, mode, owner)
    machine.log(f"wrote {target}")
    return True


def _is_same(path: Path, data: bytes, mode: int, owner: str) -> bool:
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != mode or path.read_bytes() != data:
            return False
    except FileNotFoundError:
        return False
    user, _, group = owner.partition(":")
    return (not user or path.owner() == user) and (not group or path.group() == group)


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
    """Keeps `content` between two markers in a file whose other lines stay. Returns whether anything changed."""
    path = machine.path(target)
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    begin, end = f"# begin {MARK}\n", f"# end {MARK}\n"
    others = re.sub(f"^{re.escape(begin)}.*?^{re.escape(end)}", "", old, flags=re.MULTILINE | re.DOTALL)
    if others and not others.endswith("\n"):
        others += "\n"
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    return install(machine, others + (f"{begin}{content}{end}" if content else ""), target, mode)


def read(path: Path) -> str:
    """What the file holds, without the spaces around it; nothing where there is no such file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
