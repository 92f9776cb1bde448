"""`logs`: the logs of the lab's services, from one folder."""

from __future__ import annotations

import os
import sys

from dev.lab import places
from dev.lab.errors import LabError


def show(service: str | None, follow: bool, lines: int = 40) -> int:
    """Print the last lines of one service's log or of all logs; with `follow`, continue until interrupted."""
    files = [places.LOGS / f"{service}.log"] if service else sorted(places.LOGS.glob("*.log"))
    existing = [str(file) for file in files if file.exists()]
    if not existing:
        names = ", ".join(sorted(file.stem for file in places.LOGS.glob("*.log")))
        raise LabError(
            f"no log of {service or 'any service'} in {places.LOGS}" + (f"; there are: {names}" if names else "")
        )
    count = str(lines if service else 5)
    sys.stdout.flush()
    os.execvp("tail", ["tail", "-n", count, *(["-F"] if follow else []), *existing])
