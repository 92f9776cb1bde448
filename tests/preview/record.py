"""Records a stack's state as a file for tests: `python -m tests.preview.record FOLDER <EXPORT`.

It leaves out what a preview does not need: times, source positions, output of scripts, and the machines' desired
states (they change with every release anyway). Secrets stay encrypted. A secret in plain text is an error.
"""

import json
import lzma
import re
import sys
from pathlib import Path
from typing import Any

STATE = "state.json.xz"
COMMAND = "command:remote:Command"
#: The engine's bookkeeping, with paths of the host on which it ran.
DROPPED = ("sourcePosition", "stackTrace", "created", "modified")
#: Matches secrets in plain text.
PLAIN = re.compile(r"PRIVATE KEY|client-key-data|(password|secretKey|privateKey\w*)\\?\": ?\\?\"", re.IGNORECASE)
#: The engine's mark of an encrypted value.
CIPHERTEXT = "ciphertext"


class RecordError(Exception):
    """The state cannot be recorded."""


def _shortest_secret(node: Any) -> dict[str, str]:
    """The shortest encrypted value in the state, to replace long ones that are not needed."""
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
    """The state without what is not needed. Raises RecordError for a secret in plain text."""
    resources = export["deployment"]["resources"]
    secret = _shortest_secret(resources)
    for resource in resources:
        for key in DROPPED:
            resource.pop(key, None)
        outputs = resource.get("outputs", {})
        if resource["type"] == COMMAND:
            outputs |= {"stdout": "", "stderr": "", "stdin": secret}
            resource["inputs"]["stdin"] = secret
        # The manifest that Helm rendered is only for people.
        outputs.pop("manifest", None)
    text = json.dumps(export)
    if found := PLAIN.search(text):
        raise RecordError(f"a secret in plain text near {text[max(0, found.start() - 80) : found.end()]!r}")
    return export


def read(folder: Path) -> dict[str, Any]:
    """The state recorded in a folder."""
    with lzma.open(folder / STATE, "rt", encoding="utf-8") as file:
        state: dict[str, Any] = json.load(file)
    return state


def main() -> None:
    """Record the state from standard input."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(clean(json.load(sys.stdin)), separators=(",", ":"))
    (folder / STATE).write_bytes(lzma.compress(text.encode(), preset=lzma.PRESET_EXTREME | 9))


if __name__ == "__main__":
    main()
