"""The agent with a role of a test, as an archive that runs on this host as if it were a machine."""

import hashlib
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from machines.common.agent_archive import PROJECT, agent_archive, archive_name
from machines.common.agent_command import UPLOADS, AgentCommand

SECRET = "made-up-secret"
#: `act` is the body of the command; `folder` is a folder of the test.
ROLE = """\
import subprocess, sys, time
from dataclasses import dataclass, field
from pathlib import Path

from agent.command import Command
from agent.machine import Failed, Machine, NotYet

@dataclass(frozen=True)
class Desired:
    folder: str = ""
    key: str = field(default="", repr=False)

def act(machine: Machine, desired: Desired, options) -> None:
    folder = Path(desired.folder)
{act}

def say(machine: Machine, desired: Desired, options) -> None:
    machine.log("beside")

def show(machine: Machine, desired: Desired, options) -> None:
    print(Path(desired.folder).name, options.get("word", "none"), sys.stdin.read())

COMMANDS = {{
    "converge": Command(Desired, act),
    "beside": Command(Desired, say, alone=False),
    "show": Command(Desired, show, alone=False, saved=True, options=("word",)),
}}
"""
#: For a run that waits until the test says so.
UNTIL_GO = """\
(folder / "begun").touch()
while not (folder / "go").exists():
    time.sleep(0.02)
"""


@dataclass(frozen=True)
class Desired:
    """What the role of the test loads."""

    folder: str
    key: str = field(repr=False)


class SampleAgent:
    """`root` stands for /opt/openstack-paas, in which the agent and its lock lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "opt"
        # Whoever runs the tests need not be root.
        self.sudo = folder / "sudo"
        self.sudo.write_text('#!/bin/bash\nshift\nexec "$@"\n')
        self.sudo.chmod(0o755)

    def archive(self, act: str = "pass", words: float = 60, tidy: float = 20) -> bytes:
        """An archive whose role `sample` does this."""
        project = self.folder / "project"
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(PROJECT / "agent", project / "agent", ignore=shutil.ignore_patterns("__pycache__", "roles"))
        (project / "agent/roles").mkdir()
        (project / "agent/roles/__init__.py").write_text("")
        (project / "agent/roles/sample.py").write_text(ROLE.format(act=textwrap.indent(act, "    ")))
        for name, old, new in (
            ("installed", "/opt/openstack-paas", str(self.root)),
            ("system/lock", "/opt/openstack-paas", str(self.root)),
            ("output", "WORD_SECONDS: Final = 60.0", f"WORD_SECONDS: Final = {words}"),
            ("limits", "TIDY_SECONDS: Final = 20.0", f"TIDY_SECONDS: Final = {tidy}"),
            ("machine", '"logger"', '"true"'),
        ):
            file = project / f"agent/{name}.py"
            text = file.read_text()
            assert old in text, old
            file.write_text(text.replace(old, new))
        return agent_archive.__wrapped__(project)

    def start(self, act: str, limit: float = 20, words: float = 60, tidy: float = 20) -> "subprocess.Popen[str]":
        """Begins a run by the text of the remote command."""
        command = AgentCommand("sample", Desired(str(self.folder), SECRET), limit_seconds=limit)  # type: ignore[arg-type]
        archive = self.archive(act, words, tidy)
        name = f"agent-{hashlib.sha256(archive).hexdigest()[:12]}.pyz"
        # As Pulumi puts it there.
        uploads = self.folder / UPLOADS
        uploads.mkdir(exist_ok=True)
        (uploads / name).write_bytes(archive)
        script = command.script().replace(archive_name(), name)
        for old, new in (("/opt/openstack-paas", str(self.root)), ("set -- sudo ", f"set -- {self.sudo} ")):
            assert script.count(old) == 1, old
            script = script.replace(old, new)
        process = subprocess.Popen(
            ["bash", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(self.folder)},
        )
        assert process.stdin
        process.stdin.write(command.standard_input())
        process.stdin.close()
        process.stdin = None
        return process

    def run(self, act: str, limit: float = 20, words: float = 60, tidy: float = 20) -> tuple[int, str, str]:
        """Runs to the end: status, output, and what the shell itself said."""
        process = self.start(act, limit, words, tidy)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def log(self) -> str:
        """What the last run wrote."""
        return (self.root / "sample.log").read_text()
