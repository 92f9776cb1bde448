"""`python -m ops.pipeline.without_secrets [--names] Pulumi.STACK.yaml` prints a stack file without its secrets.

With --names it prints this project's secret keys in that file, one per line, because some settings require theirs.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from ops.init.stack_file import KEYRING, NAMESPACE


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value


def _without(value: Any) -> Any:
    """`value` without `secure:` values, at any depth."""
    if isinstance(value, dict):
        return {key: _without(inner) for key, inner in value.items() if not _is_secret(inner)}
    return [_without(inner) for inner in value if not _is_secret(inner)] if isinstance(value, list) else value


def without_secrets(text: str) -> str:
    """The stack file `text` without its secrets and the keys that decrypt them."""
    document = yaml.safe_load(text) or {}
    return yaml.safe_dump(
        {key: _without(value) for key, value in document.items() if key not in KEYRING}, sort_keys=False
    )


def secret_keys(text: str) -> list[str]:
    """The keys of this project that have a secret as their whole value in the stack file `text`."""
    config = (yaml.safe_load(text) or {}).get("config") or {}
    return [key for key, value in config.items() if key.startswith(f"{NAMESPACE}:") and _is_secret(value)]


def main() -> None:
    """Print the stack file or the names."""
    parser = argparse.ArgumentParser(prog="python -m ops.pipeline.without_secrets", description=__doc__)
    parser.add_argument("--names", action="store_true", help="print the names of secret keys instead")
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    text = options.file.read_text(encoding="utf-8")
    sys.stdout.write("".join(f"{key}\n" for key in secret_keys(text)) if options.names else without_secrets(text))


if __name__ == "__main__":
    main()
