"""A PULUMI_HOME some of whose plugins are the echo (see tests.engine.echo)."""

import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

#: The plugins for the cloud, the machines and the cluster.
ECHOES = ("openstack", "command", "kubernetes")


def _folder(home: Path, provider: str) -> Path:
    return home / "plugins" / f"resource-{provider}-v{version(f'pulumi-{provider}')}"


def make(home: Path, echoes: Sequence[str] = ECHOES) -> dict[str, str]:
    """Make it in the folder `home`; returns the variables with which the engine uses it and nothing else.

    The other plugins are the real ones. So is tls always: keys and certificates need no cloud.
    """
    for provider in echoes:
        folder = _folder(home, provider)
        folder.mkdir(parents=True)
        program = folder / f"pulumi-resource-{provider}"
        program.write_text(f"#!{sys.executable}\n{Path(__file__).with_name('echo.py').read_text(encoding='utf-8')}")
        program.chmod(0o755)
    for provider in {"tls", *ECHOES} - set(echoes):
        # A folder of its own: the engine passes over a folder that is a link.
        _folder(home, provider).mkdir(parents=True)
        for file in _folder(Path(os.environ["PULUMI_HOME"]), provider).iterdir():
            (_folder(home, provider) / file.name).symlink_to(file.resolve())
    return {"PULUMI_HOME": str(home), "PULUMI_IGNORE_AMBIENT_PLUGINS": "true"}
