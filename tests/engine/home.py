"""A PULUMI_HOME whose plugins for the cloud, the machines and the cluster are the echo (see tests.engine.echo)."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

ECHOES = ("openstack", "command", "kubernetes")


def _folder(home: Path, provider: str) -> Path:
    return home / "plugins" / f"resource-{provider}-v{version(f'pulumi-{provider}')}"


def make(home: Path) -> dict[str, str]:
    """Make it in the folder `home`; returns the variables with which the engine uses it and nothing else.

    The plugin tls stays the real one: keys and certificates need no cloud.
    """
    for provider in ECHOES:
        folder = _folder(home, provider)
        folder.mkdir(parents=True)
        program = folder / f"pulumi-resource-{provider}"
        program.write_text(f"#!{sys.executable}\n{Path(__file__).with_name('echo.py').read_text(encoding='utf-8')}")
        program.chmod(0o755)
    # A folder of its own: the engine passes over a folder that is a link.
    _folder(home, "tls").mkdir()
    for file in _folder(Path(os.environ["PULUMI_HOME"]), "tls").iterdir():
        (_folder(home, "tls") / file.name).symlink_to(file.resolve())
    return {"PULUMI_HOME": str(home), "PULUMI_IGNORE_AMBIENT_PLUGINS": "true"}
