"""`logs`: what the lab's services say, from one folder."""

from __future__ import annotations

import os
import sys

from dev.lab import places
from dev.lab.errors import LabError


def show(service: str | None, follow: bool, lines: int = 40) -> int:
    """Print the end of one service's log or of all of them; with `follow`, go on until interrupted."""
    files = [places.LOGS / f"{service}.log"] if service else sorted(places.LOGS.glob("*.log"))
    there = [str(file) for file in files if file.exists()]
    if not there:
        names = ", ".join(sorted(file.stem for file in places.LOGS.glob("*.log")))
        raise LabError(
            f"no log of {service or 'anything'} in {places.LOGS}" + (f"; there are: {names}" if names else "")
        )
    count = str(lines if service else 5)
    sys.stdout.flush()
    os.execvp("tail", ["tail", "-n", count, *(["-F"] if follow else []), *there])
