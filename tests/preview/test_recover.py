"""`ops recover` and the engine's lock, on the real engine, with pending operations in a state and without a cloud."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.preview.stack import PROJECT, Stack

STACK = "urn:pulumi:killed::openstack-paas::pulumi:pulumi:Stack::openstack-paas-killed"
COMMAND = "urn:pulumi:killed::openstack-paas::command:remote:Command::step"
NOTES = [
    {"type": "creating", "resource": {"urn": COMMAND, "type": "command:remote:Command", "custom": True}},
    {"type": "updating", "resource": {"urn": COMMAND, "type": "command:remote:Command", "custom": True, "id": "x"}},
]


class Killed:
    """A stack on which an `up` was killed."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        stack.configure({"preset": "dev"})
        stack.select()
        self.backend = Path(stack.environment["PULUMI_BACKEND_URL"].removeprefix("file://")) / ".pulumi"
        resource = {"urn": STACK, "type": "pulumi:pulumi:Stack", "custom": False, "outputs": {"kept": "yes"}}
        manifest = {"time": "2026-11-28T12:00:00Z", "magic": "", "version": ""}
        state = stack.folder / "state.json"
        state.write_text(json.dumps({"version": 3, "deployment": {"manifest": manifest, "resources": [resource]}}))
        imported = stack.pulumi("stack", "import", "--file", str(state))
        assert imported.returncode == 0, imported.stderr
        # The engine's import drops pending operations.
        file = self.backend / "stacks/openstack-paas/killed.json"
        checkpoint = json.loads(file.read_text())
        # Engine versions spell this key differently.
        (latest,) = [part for key, part in checkpoint["checkpoint"].items() if key.lower() == "latest"]
        latest["pending_operations"] = NOTES
        file.write_text(json.dumps(checkpoint))

    @property
    def deployment(self) -> dict[str, Any]:
        """The deployment that the engine has recorded."""
        found: dict[str, Any] = json.loads(self._stack.pulumi("stack", "export").stdout)["deployment"]
        return found

    def lock(self, process: int, host: str) -> Path:
        """Write a lock as an engine leaves it."""
        file = self.backend / "locks/organization/openstack-paas/killed/0b5e.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"pid": process, "username": "ann", "hostname": host, "timestamp": "2026-11-28T12:00:00.123456789Z"}
        file.write_text(json.dumps(content))
        return file

    def recover(self) -> subprocess.CompletedProcess[str]:
        """Run `ops recover` as dev/scripts/up.sh does."""
        return subprocess.run(
            [sys.executable, "-m", "ops", "recover"],
            cwd=self._stack.folder,
            env={**self._stack.environment, "PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def killed(stack: Callable[[str], Stack]) -> Killed:
    """A stack on which an `up` was killed."""
    return Killed(stack("killed"))


def test_pending_operations_are_cleared_and_the_state_stays(killed: Killed) -> None:
    done = killed.recover()
    assert done.returncode == 0, done.stderr
    assert "cleared the notes of 2 operation(s)" in done.stdout
    after = killed.deployment
    assert after.get("pending_operations") in (None, [])
    assert [(one["urn"], one["outputs"]) for one in after["resources"]] == [(STACK, {"kept": "yes"})]
    assert killed.recover().stdout == "", "nothing must be left to do"


def test_a_lock_of_another_host_is_respected_and_its_holder_named(killed: Killed) -> None:
    lock = killed.lock(4711, "far.example.org")
    done = killed.recover()
    assert done.returncode == 2
    assert "nothing was deleted" in done.stderr
    assert "ann@far.example.org (pid 4711)" in done.stderr
    assert "pulumi cancel" in done.stderr
    assert len(killed.deployment["pending_operations"]) == 2
    assert lock.exists()


def test_a_lock_of_a_running_process_is_respected(killed: Killed) -> None:
    lock = killed.lock(os.getpid(), socket.gethostname())
    content = json.loads(lock.read_text())
    lock.write_text(json.dumps(content | {"timestamp": "2099-01-01T00:00:00Z"}))
    done = killed.recover()
    assert done.returncode == 2
    assert f"(pid {os.getpid()})" in done.stderr
    assert lock.exists()


def test_the_lock_of_the_killed_up_itself_is_removed(killed: Killed) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    lock = killed.lock(ended.pid, socket.gethostname())
    done = killed.recover()
    assert done.returncode == 0, done.stderr
    assert f"process {ended.pid}) is gone" in done.stdout
    assert not lock.exists()
    assert not killed.deployment.get("pending_operations")
