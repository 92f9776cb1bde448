"""The tools' own opinion of what is rendered for whole stacks: shellcheck, haproxy, keepalived, nft."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.gateway.interfaces import Interfaces
from agent.gateway.keepalived import HAPROXY_RUNS
from machines.common.templates import MACHINES
from machines.kubernetes.cluster_commands import leave_command
from tests.unit.machines import samples

SHELL = Path(__file__).parent / "shell"
NETWORK_NAMESPACE = ("unshare", "--net")


def _rendered(*paths: str) -> Iterator[Any]:
    """Every text of these files, of all roles and stacks, each once; interfaces have names as on a machine."""
    platforms = {name: samples.stack(name) for name in samples.STACKS}
    platforms |= {name: samples.variant(name) for name in samples.VARIANTS}
    seen: set[str] = set()
    for name, platform in platforms.items():
        for role in samples.COMMANDS:
            files = samples.files(samples.command(platform, role))
            for text in [files[path] for path in paths if path in files and files[path] not in seen]:
                seen.add(text)
                yield pytest.param(Interfaces("edge0", "private0").fill_in(text), id=f"{role}-{name}")


def _run(*command: str | Path) -> None:
    """The command must succeed; its output says why it did not."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{command[0]} says:\n{done.stdout}{done.stderr}"


def _needs(tool: str) -> str:
    """The tool; without it the test fails, for nothing else checks what we render for it."""
    path = shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path, f"{tool} is missing: `make tools-installed` installs what the tests try"
    return path


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_shellcheck_of_scripts() -> None:
    _run("shellcheck", *MACHINES.rglob("*.sh"), *SHELL.glob("*.sh"))


def test_shellcheck_of_rendered_text(tmp_path: Path) -> None:
    platform = samples.stack("prod")
    texts = [samples.image().script(), leave_command(platform, "prod-worker-general-0", "kept").script()]
    paths = [_written(tmp_path, f"{number}.sh", text) for number, text in enumerate(texts)]
    # What the shell of root reads is one word to the first.
    _run("shellcheck", "--shell=bash", "--exclude=SC2016", *paths)


@pytest.mark.system
@pytest.mark.parametrize("text", _rendered("gateway.haproxy", "worker.balancer"))
def test_haproxy_accepts_its_configuration(text: str, tmp_path: Path) -> None:
    _run(_needs("haproxy"), "-c", "-q", "-f", _written(tmp_path, "haproxy.cfg", text))


@pytest.mark.system
@pytest.mark.parametrize("text", _rendered("machine.firewall.table"))
def test_nft_accepts_the_tables(text: str, tmp_path: Path) -> None:
    """Loaded for real, into a network namespace that ends with the command."""
    _needs("nft")
    if os.geteuid() != 0:
        pytest.skip("loading a table needs root")
    _run(*NETWORK_NAMESPACE, "bash", SHELL / "nft-check.sh", _written(tmp_path, "firewall.nft", text))


@pytest.mark.system
@pytest.mark.parametrize("text", _rendered("gateway.keepalived"))
def test_keepalived_accepts_its_configuration(text: str, tmp_path: Path) -> None:
    """The script that it tracks is replaced by one that exists here."""
    _needs("keepalived")
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    assert HAPROXY_RUNS in text
    path = _written(tmp_path, "keepalived.conf", text.replace(HAPROXY_RUNS, "/bin/true"))
    _run(*NETWORK_NAMESPACE, "bash", SHELL / "keepalived-check.sh", path)
