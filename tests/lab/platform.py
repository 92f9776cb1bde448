"""The stack `lab` on the lab, used the way a user does: with make's scripts and the stack's outputs."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.shared.outputs import Machine, Outputs, parse
from ops.shared.ssh import Ssh

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Done:
    """A finished command: its exit status, its output and how long it took."""

    status: int
    text: str
    seconds: float


def run(*command: str, seconds: float = 900, **environment: str) -> Done:
    """Run a command in the project's folder. Its output is kept, not shown."""
    started = time.monotonic()
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
        check=False,
    )
    return Done(done.returncode, done.stdout, time.monotonic() - started)


def until(condition: Callable[[], bool], what: str, seconds: float, interval: float = 0.5) -> None:
    """Poll until `condition` holds. Fails after `seconds` and names `what`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
        time.sleep(interval)


class Platform:
    """The running platform."""

    def __init__(self) -> None:
        self._document: dict[str, Any] | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The stack's outputs with secrets in plain text."""
        if self._document is None:
            done = run("pulumi", "stack", "output", "--json", "--show-secrets", seconds=60)
            assert done.status == 0, done.text
            self._document = json.loads(done.text)
        return self._document

    @property
    def outputs(self) -> Outputs:
        """The outputs as ops reads them."""
        return parse(self.document)

    def machine(self, name: str) -> Machine:
        """A machine by its name without the cluster's name."""
        return self.outputs.machine(f"lab-{name}")

    def on(self, name: str, command: str, seconds: float = 60) -> str:
        """The standard output of a command that runs as root on a machine."""
        with Ssh(self.outputs) as ssh:
            return ssh.run(self.machine(name), "sudo -n bash -s", command, seconds)

    def snapshots(self, name: str) -> list[dict[str, Any]]:
        """Those of etcd on a member, the newest last."""
        command = "python3 -I /opt/openstack-paas/agent.pyz backups etcd 60 here=yes"
        found: list[dict[str, Any]] = json.loads(self.on(name, command))["snapshots"]
        return found

    def vip_holder(self) -> str:
        """The name of the gateway that holds both VIPs, without the cluster's name."""
        holders = [
            gateway.name.removeprefix("lab-")
            for gateway in self.outputs.role("gateway")
            if "10.20.0.5/32" in self.on(gateway.name.removeprefix("lab-"), "ip -o address")
        ]
        assert len(holders) == 1, f"the private VIP is held by {holders}"
        return holders[0]

    def up(self, *options: str) -> Done:
        """What `make up` does once the lab is running. `options` are passed to `pulumi up`."""
        self._document = None
        return run("dev/scripts/up.sh", *options)

    def interrupted_up(self, enough: Callable[[], bool], seconds: float) -> None:
        """Start an `up` and kill it with SIGKILL as soon as `enough` holds."""
        process = subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--parallel", "32"],
            cwd=PROJECT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            until(enough, "the `up` to kill has come far enough", seconds)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
