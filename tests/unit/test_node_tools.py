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
NETWORK_NAMESPACE = ("unshare", "--net")


def _run(*command: str | Path) -> None:
    """The command must succeed; its output tells why it did not."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command[0]} says:\n{done.stdout}{done.stderr}"


def _needs(tool: str) -> str:
    """The tool; without it the test fails, for nothing else checks what we render for it."""
    path = shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path, f"{tool} is missing: `make tools-installed` installs what the tests try"
    return path


def test_shellcheck_of_scripts() -> None:
    _run("shellcheck", "--external-sources", *sorted((NODE / "scripts").glob("*.sh")), *SHELL.glob("*.sh"))


def test_shellcheck_of_rendered_text() -> None:
    _run("shellcheck", "--shell=bash", GOLDEN / "command.sh", *sorted(GOLDEN.glob("*/settings.sh")))


def test_haproxy_accepts_its_configuration() -> None:
    _run(_needs("haproxy"), "-c", "-q", "-f", GOLDEN / "gateway/files/haproxy.cfg")


def test_nft_accepts_the_tables(tmp_path: Path) -> None:
    """Loaded for real, into a network namespace that ends with the command."""
    _needs("nft")
    if os.geteuid() != 0:
        pytest.skip("loading a table needs root")
    gateway = (GOLDEN / "gateway/files/firewall.nft").read_text()
    (tmp_path / "gateway.nft").write_text(
        gateway.replace("@EDGE_INTERFACE@", "edge0").replace("@PRIVATE_INTERFACE@", "private0")
    )
    for table in (tmp_path / "gateway.nft", GOLDEN / "worker/files/firewall.nft"):
        _run(*NETWORK_NAMESPACE, "bash", SHELL / "nft-check.sh", table)


def test_keepalived_accepts_its_configuration(tmp_path: Path) -> None:
    """The script that it tracks is replaced by one that exists here."""
    _needs("keepalived")
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    text = (GOLDEN / "gateway/files/keepalived.conf").read_text()
    for placeholder, value in (
        ("@EDGE_INTERFACE@", "edge0"),
        ("@PRIVATE_INTERFACE@", "private0"),
        ("/usr/local/sbin/openstack-paas-haproxy-runs", "/bin/true"),
    ):
        assert placeholder in text
        text = text.replace(placeholder, value)
    (tmp_path / "keepalived.conf").write_text(text)
    _run(*NETWORK_NAMESPACE, "bash", SHELL / "keepalived-check.sh", tmp_path / "keepalived.conf")
