"""The lab's passwords: random, made once, kept in one file that only root can read."""

import json
import secrets
from pathlib import Path

from dev.files import write_whole
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
        write_whole(path, json.dumps(known, indent=1) + "\n", 0o600)
    return known
