"""Which stack may break which rule, and why: exemptions.json, so that every exemption is seen in a review."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("exemptions.json")


@cache
def exemptions() -> dict[str, dict[str, str]]:
    """Reasons by stack and rule."""
    document: dict[str, dict[str, str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return document
