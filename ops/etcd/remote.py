"""The scripts of the members and of the control planes, called by SSH."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ops.shared.outputs import Machine
from ops.shared.ssh import Ssh, SshError

#: Where `pulumi up` has put them (machines/common/run.sh.j2).
MEMBER = "/opt/openstack-paas/etcd"
CONTROL_PLANE = "/opt/openstack-paas/control-plane"
#: A snapshot of a large database with its proof and copies; copies of what was missed before may come on top.
SNAPSHOT_SECONDS = 2700
LOOK_SECONDS = 60
STEP_SECONDS = 180


def call(ssh: Ssh, machine: Machine, command: str, stdin: str = "", seconds: float = LOOK_SECONDS) -> str:
    """One script as root; its standard output. Raises SshError."""
    # By bash: only root may look into the folder, and sudo would look for the command as another user.
    return ssh.run(machine, f"sudo --non-interactive bash {command}", stdin, seconds)


def read(ssh: Ssh, machine: Machine, command: str) -> dict[str, Any]:
    """The same for a script that prints JSON. Raises SshError."""
    text = call(ssh, machine, command)
    try:
        document: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as error:
        raise SshError(f"{machine.name}: `{command}` printed no JSON: {error}") from error
    return document


def at_once(ssh: Ssh, calls: Sequence[tuple[Machine, str, str]]) -> None:
    """Several scripts (machine, command, standard input) at the same time; the machines must be connected already.

    Waits for all of them, then raises the first SshError.
    """
    with ThreadPoolExecutor(max_workers=max(len(calls), 1)) as pool:
        running = [pool.submit(call, ssh, *words, seconds=STEP_SECONDS) for words in calls]
    for one in running:
        one.result()
