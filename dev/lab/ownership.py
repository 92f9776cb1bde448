"""Tells the lab's kernel objects from others with the same name, by a note written before the first one is made.

The note names the boot during which it was written: after a reboot of the host everything it describes is gone.
It also keeps the kernel settings from before the lab changed them.
"""

import json
from pathlib import Path
from typing import Any

from dev.files import write_whole
from dev.lab import places

NOTE = places.RUN / "owned.json"
#: The kernel's random id for this boot.
BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def note() -> dict[str, Any]:
    """What the lab recorded during this boot; empty when it has made nothing since then."""
    try:
        found: dict[str, Any] = json.loads(NOTE.read_text())
    except (OSError, ValueError):
        return {}
    return found if found.get("boot") == BOOT else {}


def ours() -> bool:
    """Whether everything with the lab's names was made by the lab during this boot."""
    return bool(note())


def claim() -> None:
    """Record that from now on everything with the lab's names belongs to the lab."""
    if not ours():
        write_whole(NOTE, json.dumps({"boot": BOOT, "settings": {}}))


def remember_setting(name: str, value: str) -> None:
    """Record a kernel setting's value from before the lab changed it."""
    write_whole(NOTE, json.dumps(note() | {"settings": {name: value} | note()["settings"]}))


def remember_mount(target: str) -> None:
    """Record that the lab mounts something there, outside its state folder."""
    write_whole(NOTE, json.dumps(note() | {"mounts": sorted({*note().get("mounts", []), target})}))
