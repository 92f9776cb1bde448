"""The lab's passwords: random, made once, kept in one file that only root can read."""

import json
import os
import secrets
from pathlib import Path

from dev.lab import places

NAMES = (
    *("administrator", "project_user", "rabbitmq", "metadata"),
    *(f"database_{name}" for name in ("keystone", "glance", "placement", "nova", "neutron")),
    *(f"service_{name}" for name in ("glance", "placement", "nova", "neutron")),
)


def load(path: Path | None = None) -> dict[str, str]:
    """Every password by name. Missing ones are made and saved first."""
    path = path or places.STATE / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [name for name in NAMES if name not in known]
    if missing:
        known.update({name: secrets.token_urlsafe(24) for name in missing})
        write_private(path, json.dumps(known, indent=1) + "\n")
    return known


def write_private(path: Path, text: str) -> None:
    """Replace a file atomically. Only its owner can ever read it."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)
