"""Prints a stack file without what needs its passphrase: `python -m tools.without_secrets Pulumi.STACK.yaml`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

#: Keys beside `config` by which Pulumi opens secrets (encrypted keys, salts, providers).
OPENERS = ("encryptionsalt", "encryptedkey", "secretsprovider")


def _without(value: Any) -> Any:
    """`value` without `secure:` values, at any depth."""
    if isinstance(value, dict):
        return {
            key: _without(inner) for key, inner in value.items() if not (isinstance(inner, dict) and "secure" in inner)
        }
    return [_without(inner) for inner in value] if isinstance(value, list) else value


def without_secrets(text: str) -> str:
    """The stack file `text` without its secrets and without what opens them."""
    document = yaml.safe_load(text) or {}
    return yaml.safe_dump(
        {key: _without(value) for key, value in document.items() if key not in OPENERS}, sort_keys=False
    )


if __name__ == "__main__":
    sys.stdout.write(without_secrets(Path(sys.argv[1]).read_text(encoding="utf-8")))
