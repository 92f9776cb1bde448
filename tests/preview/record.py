"""A stack's state as a file that tests keep: `python -m tests.preview.record FOLDER <EXPORT` writes it there.

What a preview does not ask for is left out: times, places in the source, what scripts said, and the machines' bundles
(their content is new in every release anyway). Secrets stay encrypted; one in plain text is an error.
"""

from __future__ import annotations

import json
import lzma
import re
import sys
from pathlib import Path
from typing import Any

STATE = "state.json.xz"
COMMAND = "command:remote:Command"
#: Bookkeeping of the engine, with paths of the machine on which it ran.
DROPPED = ("sourcePosition", "stackTrace", "created", "modified")
#: What would be a secret in plain text.
PLAIN = re.compile(r"PRIVATE KEY|client-key-data|(password|secretKey|privateKey\w*)\\?\": ?\\?\"", re.IGNORECASE)
#: The engine's mark of an encrypted value.
CIPHERTEXT = "ciphertext"


class RecordError(Exception):
    """The state cannot be kept."""


def _shortest_secret(node: Any) -> dict[str, str]:
    """An encrypted value of the same state, to stand where a long one is not needed."""
    found: list[dict[str, str]] = []

    def collect(value: Any) -> None:
        if isinstance(value, dict) and CIPHERTEXT in value:
            found.append(value)
        elif isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                collect(each)

    collect(node)
    return min(found, key=lambda value: len(value[CIPHERTEXT]))


def clean(export: dict[str, Any]) -> dict[str, Any]:
    """The same state without what is not needed. Raises RecordError for a secret in plain text."""
    resources = export["deployment"]["resources"]
    secret = _shortest_secret(resources)
    for resource in resources:
        for key in DROPPED:
            resource.pop(key, None)
        outputs = resource.get("outputs", {})
        if resource["type"] == COMMAND:
            outputs |= {"stdout": "", "stderr": "", "stdin": secret}
            resource["inputs"]["stdin"] = secret
        # What Helm rendered is a picture for people.
        outputs.pop("manifest", None)
    text = json.dumps(export)
    if found := PLAIN.search(text):
        raise RecordError(f"a secret in plain text near {text[max(0, found.start() - 80) : found.end()]!r}")
    return export


def read(folder: Path) -> dict[str, Any]:
    """The state that was kept in a folder."""
    with lzma.open(folder / STATE, "rt", encoding="utf-8") as file:
        state: dict[str, Any] = json.load(file)
    return state


def main() -> None:
    """Standard input to the file."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(clean(json.load(sys.stdin)), separators=(",", ":"))
    (folder / STATE).write_bytes(lzma.compress(text.encode(), preset=lzma.PRESET_EXTREME | 9))


if __name__ == "__main__":
    main()
