"""The text of a remote command that runs the agent, and where it finds the agent."""

import base64
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.installed import FOLDER
from machines.common.agent_archive import archive_name
from machines.common.agent_command import UPLOADS, AgentCommand


@dataclass(frozen=True)
class Part:
    value: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class State:
    part: Part
    number: int = 0


#: An agent that says how it was called.
AGENT = "import sys\nprint(*sys.argv, sys.stdin.read()[:4])\n"


def listed(command: AgentCommand) -> list[str]:
    return [line.removeprefix("# ") for line in command.script().splitlines() if line.startswith("# ")][1:]


def test_another_agent_runs_all_but_the_commands_of_an_installed_one() -> None:
    uploaded, installed = (AgentCommand("sample", State(Part("a")), installed=one) for one in (False, True))
    assert listed(uploaded)[0] == archive_name()
    assert listed(installed) == ["agent.pyz", *listed(uploaded)[1:]]


@dataclass(frozen=True)
class Deep:
    one: "Deep | None" = None
    part: Part | None = None
    several: tuple[Part, ...] = ()


def test_secrets_are_listed_however_deep_they_are() -> None:
    """Policies know by this that standard input has one, and reviewers that it has changed."""

    def names(key: str) -> list[str]:
        state = Deep(Deep(Deep(Deep(part=Part("a", key)))), several=(Part("b", key),))
        return [line.partition(" ")[0] for line in listed(AgentCommand("sample", state))[1:]]

    assert names("") == ["one.one.one", "several"]
    assert names("hunter2") == ["one.one.one.part.value", "one.one.one.part.key", "several", "several[]"]


def run(root: Path, command: AgentCommand) -> "subprocess.CompletedProcess[str]":
    """Runs it as if `root` were the machine."""
    script = command.script().replace(FOLDER, str(root / "opt")).replace("set -- sudo --non-interactive", "set --")
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(root / "home")}
    return subprocess.run(
        ["bash", "-c", script], input=command.standard_input(), env=environment, text=True, capture_output=True
    )


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(AGENT)
    return path


@pytest.mark.parametrize("folder", ["opt", f"home/{UPLOADS}"])
def test_it_finds_the_agent_of_its_own_digest(tmp_path: Path, folder: str) -> None:
    agent = put(tmp_path / folder / archive_name())
    begin = base64.b64encode(b"\x1f\x8b\x08").decode()
    assert run(tmp_path, AgentCommand("sample", State(Part("a")))).stdout == f"{agent} converge sample 900 {begin}\n"


def test_it_finds_the_installed_agent_by_its_own_name(tmp_path: Path) -> None:
    """By the link, its modules would come from another agent once that is installed."""
    agent = put(tmp_path / "opt/agent-0123456789ab.pyz")
    (tmp_path / "opt/agent.pyz").symlink_to(agent.name)
    ended = run(tmp_path, AgentCommand("sample", State(Part("a")), "gate", 930, installed=True))
    assert ended.stdout.startswith(f"{agent} gate sample 930 ")


@pytest.mark.parametrize(("installed", "name"), [(False, archive_name()), (True, "agent.pyz")])
def test_an_agent_that_is_not_there(tmp_path: Path, installed: bool, name: str) -> None:
    ended = run(tmp_path, AgentCommand("sample", State(Part("a")), installed=installed))
    assert (ended.returncode, ended.stdout) == (69, "")
    assert ended.stderr.startswith(f"FAILED: {name} is not on ")
