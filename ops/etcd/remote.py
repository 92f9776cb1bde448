"""The agent's commands on members and control planes, called by SSH."""

import json
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ops.shared.outputs import Machine
from ops.shared.ssh import Ssh, SshError

#: Where `pulumi up` has put the agent, and the desired state of each role beside it.
FOLDER = "/opt/openstack-paas"
#: A snapshot of a large database with its proof and copies; copies of what was missed before may come on top.
SNAPSHOT_SECONDS = 2640
#: Every member of a large database, one after another, with a snapshot before.
DEFRAGMENT_SECONDS = 3600
LOOK_SECONDS = 60
STEP_SECONDS = 180
#: How long an answer may take beyond the command's own limit: it tidies up first.
SPARE_SECONDS = 40


@dataclass(frozen=True)
class Call:
    """A command of the agent: `text` for a shell, and how long it may take in seconds."""

    text: str
    seconds: float

    def __str__(self) -> str:
        return self.text


def agent(command: str, role: str, seconds: int = LOOK_SECONDS, **options: str) -> Call:
    """A command that goes on with the saved desired state, as root."""
    words = ("sudo", "--non-interactive", "python3", "-I", f"{FOLDER}/agent.pyz", command, role, str(seconds))
    return Call(shlex.join([*words, *(f"{key}={value}" for key, value in options.items())]), seconds + SPARE_SECONDS)


def converge(role: str, seconds: int) -> Call:
    """What `pulumi up` does on the machine, with the desired state that it has brought last."""
    text = f"python3 -I {FOLDER}/agent.pyz converge {role} {seconds} <{FOLDER}/{role}.json"
    # By a shell of root's: nobody else may read the desired state.
    return Call(f"sudo --non-interactive sh -c {shlex.quote(text)}", seconds + SPARE_SECONDS)


def call(ssh: Ssh, machine: Machine, command: Call, stdin: str = "") -> str:
    """Runs it; its standard output. Raises SshError."""
    return ssh.run(machine, command.text, stdin, command.seconds)


def read(ssh: Ssh, machine: Machine, command: Call) -> dict[str, Any]:
    """The same for a command that prints JSON. Raises SshError."""
    text = call(ssh, machine, command)
    try:
        document: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise SshError(f"{machine.name}: `{command}` printed no JSON: {error}") from error
    return document


def at_once(ssh: Ssh, calls: Sequence[tuple[Machine, Call, str]]) -> None:
    """Several commands, each with its standard input, at the same time; the machines must be connected already.

    Waits for all of them, then raises the first SshError.
    """
    with ThreadPoolExecutor(max_workers=max(len(calls), 1)) as pool:
        running = [pool.submit(call, ssh, *words) for words in calls]
    for one in running:
        one.result()
