"""Tells the lab's kernel objects from others with the same name, by a note written before the first one is made.

The note names the boot during which it was written: after a reboot of the host everything it describes is gone.
It also keeps the kernel settings from before the lab changed them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dev.lab import places

NOTE = places.RUN / "owned.json"


def boot() -> str:
    """The kernel's random id for this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def claim() -> None:
    """Record that from now on everything with the lab's names belongs to the lab."""
    if not ours():
        NOTE.parent.mkdir(parents=True, exist_ok=True)
        _save({"boot": boot(), "settings": {}})


def ours() -> bool:
    """Whether everything with the lab's names was made by the lab during this boot."""
    return _load().get("boot") == boot()


def settings() -> dict[str, str]:
    """The kernel settings from before the lab changed them."""
    return dict(_load().get("settings", {})) if ours() else {}


def remember(name: str, value: str) -> None:
    """Record a kernel setting's first value."""
    note = _load()
    note["settings"].setdefault(name, value)
    _save(note)


def remember_mount(target: str) -> None:
    """Record that the lab mounts something there."""
    note = _load()
    note["mounts"] = sorted({*note.get("mounts", []), target})
    _save(note)


def mounts() -> list[str]:
    """Where the lab mounted something outside its state folder."""
    return list(_load().get("mounts", [])) if ours() else []


def release() -> None:
    """Record that nothing of the lab is left."""
    NOTE.unlink(missing_ok=True)


def _load() -> dict[str, Any]:
    try:
        return dict(json.loads(NOTE.read_text()))
    except (OSError, ValueError):
        return {}


def _save(note: object) -> None:
    temporary = NOTE.with_suffix(".new")
    temporary.write_text(json.dumps(note))
    temporary.replace(NOTE)
