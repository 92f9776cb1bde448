"""Pulumi, as far as `paas init` needs it: the backend, the stack, and encryption for its file."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ops.init.stack_file import KEYRING, NAMESPACE, Kept
from ops.shared import pulumi
from ops.shared.pulumi import PulumiError


class Engine:
    """The `pulumi` on PATH with the project in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _run(self, *arguments: str, text: str = "") -> str:
        """Standard output of one command that asks nothing. `text` is its standard input."""
        return pulumi.run(*arguments, folder=self._folder, text=text)

    def backend(self) -> str:
        """URL of the backend. Raises PulumiError when there is no pulumi, or it is not logged in."""
        if not shutil.which("pulumi"):
            raise PulumiError("pulumi is not on PATH")
        return str(json.loads(self._run("whoami", "--json"))["url"])

    def resources(self, stack: str) -> int:
        """How many resources the stack has; 0 when the backend has no such stack."""
        found = json.loads(self._run("stack", "ls", "--json"))
        short = stack.rpartition("/")[2]
        return max((int(own.get("resourceCount") or 0) for own in found if own["name"] in (stack, short)), default=0)

    def select(self, stack: str) -> None:
        """Select the stack, made if it is not there. Pulumi may then write a salt into the stack's file."""
        self._run("stack", "select", "--create", stack)

    def encrypt(self, stack: str, keyring: Mapping[str, str], plain: Mapping[str, str]) -> Kept:
        """`plain` encrypted for the stack with its `keyring`, and the keyring, which a first secret may complete.

        The values go over standard input into a file that only ever holds what is encrypted.
        """
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"Pulumi.{stack.rpartition('/')[2]}.yaml"
            file.write_text(yaml.safe_dump(dict(keyring)) if keyring else "", encoding="utf-8")
            place = ("--stack", stack, "--config-file", str(file))
            for key, value in plain.items():
                self._run("config", "set", "--secret", f"{NAMESPACE}:{key}", *place, text=value)
            written: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Kept({name: written[name] for name in KEYRING if name in written}, written["config"])


def needs_passphrase(backend: str, keyring: Mapping[str, str]) -> bool:
    """Whether secrets need a passphrase that is not there: they do without a key service or Pulumi's own."""
    by_service = backend.startswith("http") and "encryptionsalt" not in keyring
    given = any(name in os.environ for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"))
    return not (given or by_service or keyring.get("secretsprovider", "passphrase") != "passphrase")
