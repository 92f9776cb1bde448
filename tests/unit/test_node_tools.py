"""The tools' own opinion of what is rendered: shellcheck, haproxy, keepalived, nft."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from node.templates import NODE

GOLDEN = Path(__file__).parent / "golden" / "node"
SHELL = Path(__file__).parent / "node_shell"
VOLUME = Path(__file__).parent / "volume"
NETWORK_NAMESPACE = ("unshare", "--net")


def _run(*command: str | Path) -> None:
    """The command must succeed; its output tells why it did not."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{command[0]} says:\n{done.stdout}{done.stderr}"


def _needs(tool: str) -> str:
    """The tool; without it the test fails, for nothing else checks what we render for it."""
    path = shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path, f"{tool} is missing: `make tools-installed` installs what the tests try"
    return path


def _variant(golden: Path) -> str:
    """The folder of golden files that this one is in."""
    return golden.relative_to(GOLDEN).parts[0]


def test_shellcheck_of_scripts() -> None:
    _run(
        "shellcheck",
        "--external-sources",
        *sorted((NODE / "scripts").glob("*.sh")),
        *SHELL.glob("*.sh"),
        *VOLUME.glob("*.sh"),
    )


def test_shellcheck_of_rendered_text() -> None:
    _run("shellcheck", "--shell=bash", GOLDEN / "command.sh", *sorted(GOLDEN.glob("*/settings.sh")))


@pytest.mark.system
@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*/files/haproxy.cfg")), ids=_variant)
def test_haproxy_accepts_its_configuration(golden: Path) -> None:
    _run(_needs("haproxy"), "-c", "-q", "-f", golden)


@pytest.mark.system
def test_nft_accepts_the_tables(tmp_path: Path) -> None:
    """Loaded for real, into a network namespace that ends with the command."""
    _needs("nft")
    if os.geteuid() != 0:
        pytest.skip("loading a table needs root")
    tables = [GOLDEN / "worker/files/firewall.nft"]
    for golden in GOLDEN.glob("gateway*/files/firewall.nft"):
        text = golden.read_text().replace("@EDGE_INTERFACE@", "edge0").replace("@PRIVATE_INTERFACE@", "private0")
        tables.append(tmp_path / f"{_variant(golden)}.nft")
        tables[-1].write_text(text)
    assert len(tables) > 3
    for table in tables:
        _run(*NETWORK_NAMESPACE, "bash", SHELL / "nft-check.sh", table)


@pytest.mark.system
@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("gateway*/files/keepalived.conf")), ids=_variant)
def test_keepalived_accepts_its_configuration(golden: Path, tmp_path: Path) -> None:
    """The script that it tracks is replaced by one that exists here."""
    _needs("keepalived")
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    text = golden.read_text().replace("@EDGE_INTERFACE@", "edge0")
    for placeholder, value in (
        ("@PRIVATE_INTERFACE@", "private0"),
        ("/usr/local/sbin/openstack-paas-haproxy-runs", "/bin/true"),
    ):
        assert placeholder in text
        text = text.replace(placeholder, value)
    (tmp_path / "keepalived.conf").write_text(text)
    _run(*NETWORK_NAMESPACE, "bash", SHELL / "keepalived-check.sh", tmp_path / "keepalived.conf")
