"""Records in the cache how long builds took."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def read(path: Path) -> dict[str, Any]:
    """For each program: seconds, end time (UTC), size in bytes. An unreadable file counts as empty."""
    try:
        times = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return times if isinstance(times, dict) else {}


def record(path: Path, program: str, seconds: float, size: int) -> None:
    """Add or replace one program's figures."""
    times = read(path)
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    times[program] = {"seconds": round(seconds, 1), "ended": ended, "bytes": size}
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(times, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)
