"""The tools' own opinion of what is rendered for whole stacks: shellcheck, haproxy, keepalived, nft."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.gateway.interfaces import Interfaces
from agent.gateway.keepalived import HAPROXY_RUNS
from machines.common.bundle import CONVERGE, Bundle, File
from machines.common.templates import MACHINES
from machines.kubernetes.cluster_commands import leave_command
from tests.unit.machines import samples

SHELL = Path(__file__).parent / "shell"
VOLUME = Path(__file__).parent / "volume"
NETWORK_NAMESPACE = ("unshare", "--net")
#: How a script sources its parts.
_PARTS = re.compile(r'^for part in ([^;\n]+); do\s+\. "\$folder/\$part\.sh"(?:;|\n)\s*done$', re.MULTILINE)
_HEADER = re.compile(r"^# shellcheck shell=.*\n", re.MULTILINE)


def _rendered(*paths: str) -> Iterator[Any]:
    """Every text of these files, of all roles and stacks, each once; interfaces have names as on a machine."""
    platforms = {name: samples.stack(name) for name in samples.STACKS}
    platforms |= {name: samples.variant(name) for name in samples.VARIANTS}
    seen: set[str] = set()
    for name, platform in platforms.items():
        for role in samples.BUNDLES:
            files = samples.files(samples.bundle(platform, role))
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


def _programs() -> dict[str, str]:
    """Each script that machines run, as bash reads it: with the parts and the settings that it sources in their place.

    Only so shellcheck sees where the variables of a part come from.
    """
    bundles = {role: samples.bundle(samples.stack("prod"), role) for role in samples.BUNDLES}
    bundles |= {"volume": samples.bundle(samples.variant("volume"), "worker"), "image": samples.image()}
    programs = {}
    for name, bundle in bundles.items():
        if not isinstance(bundle, Bundle):
            continue
        texts = {
            path: (MACHINES / samples.SOURCES[content]).read_text(encoding="utf-8")
            if content in samples.SOURCES
            else content
            for path, content in samples.files(bundle).items()
        }
        for path, text in texts.items():
            # A volume adds nothing but its own converge.
            if text.startswith("#!") and (name != "volume" or path == CONVERGE):
                whole = _PARTS.sub(partial(_joined, texts), text)
                programs[f"{name}-{path.removesuffix('.sh')}"] = _HEADER.sub("", whole)
    return programs


def _joined(texts: Mapping[str, str], loop: re.Match[str]) -> str:
    return "".join(texts[f"{part}.sh"] for part in loop[1].split())


PROGRAMS = _programs()


def test_every_script_is_part_of_a_program() -> None:
    whole = "".join(PROGRAMS.values())
    for path in MACHINES.rglob("*.sh"):
        functions = re.findall(r"^(\w+\(\))", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(f"\n{function}" in whole for function in functions), path


@pytest.mark.parametrize("name", PROGRAMS)
def test_shellcheck_of_scripts(name: str, tmp_path: Path) -> None:
    # Not each program uses all that its parts bring, nor passes each argument that may be left out; SC2016 is jq's.
    _run(
        "shellcheck",
        "--shell=bash",
        "--exclude=SC2034,SC2119,SC2120,SC2016",
        _written(tmp_path, f"{name}.sh", PROGRAMS[name]),
    )


def test_shellcheck_of_the_tests_own_scripts() -> None:
    _run("shellcheck", "--external-sources", *SHELL.glob("*.sh"), *VOLUME.glob("*.sh"))


def test_shellcheck_of_rendered_text(tmp_path: Path) -> None:
    platform = samples.stack("prod")
    texts = [parameters.values[0] for parameters in _rendered("settings.sh")]
    texts += [Bundle("sample", (File(CONVERGE, "true\n"),)).script(), samples.image().script()]
    texts.append(leave_command(platform, "prod-worker-general-0", "kept").script())
    paths = [_written(tmp_path, f"{number}.sh", str(text)) for number, text in enumerate(texts)]
    # What the shell of root reads is one word to the first.
    _run("shellcheck", "--shell=bash", "--exclude=SC2016", *paths)


@pytest.mark.system
@pytest.mark.parametrize("text", _rendered("gateway.haproxy", "worker.balancer"))
def test_haproxy_accepts_its_configuration(text: str, tmp_path: Path) -> None:
    _run(_needs("haproxy"), "-c", "-q", "-f", _written(tmp_path, "haproxy.cfg", text))


@pytest.mark.system
@pytest.mark.parametrize("text", _rendered("files/firewall.nft", "machine.firewall.table"))
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
