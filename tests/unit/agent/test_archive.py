"""The agent as it travels: its bytes depend on its sources alone; and the command that runs it shows no secret."""

import io
import subprocess
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from machines.common.agent_archive import PROJECT, agent_archive, archive_file, archive_name
from machines.common.agent_command import AgentCommand


def project(folder: Path, doc: str = "") -> Path:
    """A project whose agent says its words."""
    (folder / "agent/roles").mkdir(parents=True)
    (folder / "agent/__init__.py").write_text(doc)
    (folder / "agent/roles/a.py").write_text("")
    (folder / "agent/__main__.py").write_text("def main(words):\n    print(words)\n")
    return folder


def archive_of(project: Path) -> bytes:
    """Without the cache."""
    made: bytes = agent_archive.__wrapped__(project)
    return made


def test_it_has_every_module() -> None:
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        names = set(archive.namelist())
    assert names == {"__main__.py", *(str(path.relative_to(PROJECT)) for path in (PROJECT / "agent").rglob("*.py"))}


def test_bytes_depend_on_nothing_but_the_sources(tmp_path: Path) -> None:
    one, two = project(tmp_path / "one"), project(tmp_path / "two")
    (two / "agent/__init__.py").chmod(0o600)
    (two / "agent/__pycache__").mkdir()
    (two / "agent/__pycache__/x.pyc").touch()
    first = archive_of(one)
    assert archive_of(two) == first
    assert archive_of(project(tmp_path / "three", "# Another.\n")) != first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "agent.pyz"
    file.write_bytes(archive_of(project(tmp_path)))
    ended = subprocess.run(["python3", "-I", file, "one", "two"], capture_output=True, text=True, check=True)
    assert ended.stdout == "['one', 'two']\n"


def test_the_file_that_is_sent() -> None:
    assert archive_file().name == archive_name()
    assert archive_file().read_bytes() == agent_archive()
    assert archive_file().parent.stat().st_mode & 0o777 == 0o700


def test_an_old_python_says_so() -> None:
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        start = archive.read("__main__.py").decode()
    old = start.replace("import sys\n", "import sys\nsys.version_info = (3, 9)\n", 1)
    with pytest.raises(SystemExit, match=r"the agent needs Python 3\.10 or newer, this is 3"):
        exec(old, {})


@dataclass(frozen=True)
class User:
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Balancer:
    haproxy: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Sample:
    gateway: Balancer
    name: str
    users: tuple[User, ...] = ()
    port: int = 0


def test_the_command_shows_what_changed_and_no_value() -> None:
    def lines(state: Sample) -> list[str]:
        script = AgentCommand("gateway", state).script()
        assert "made-up" not in script
        return [line for line in script.splitlines() if line.startswith("# ")]

    state = Sample(Balancer("global", "made-up"), "a", (User("root", "made-up 1"),))
    found = lines(state)
    assert found[0].startswith("# openstack-paas: converge gateway.")
    assert found[1] == f"# {archive_name()}"
    assert [line.split()[1] for line in found[2:]] == [
        "gateway.haproxy",
        "gateway.key",
        "name",
        "users",
        "users[]",
        "port",
    ]
    assert {"# gateway.key secret", "# users[] secret"} <= set(found)
    assert lines(replace(state, users=(User("root", "made-up 2"),))) == found
    other = lines(replace(state, name="b"))
    assert [one for one, two in zip(found, other, strict=True) if one != two] == [found[4]]
    one, two = AgentCommand("gateway", state), AgentCommand("gateway", replace(state, name="b"))
    assert one.standard_input() != two.standard_input()


def test_the_shell_that_starts_the_agent_is_short() -> None:
    template = (PROJECT / "machines/common/run-agent.sh.j2").read_text()
    assert len(template.splitlines()) <= 20
