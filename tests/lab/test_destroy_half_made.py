"""`destroy` of a stack whose `up` was killed half-way removes everything. A second one has nothing to do."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.machines import Machines
from tests.lab.platform import PROJECT, until
from tests.lab.report import record
from tests.lab.small_platform import small
from tests.preview.stack import Stack

pytestmark = pytest.mark.long


def everything(machines: Machines) -> dict[str, set[str]]:
    """Everything in the project, by kind."""
    return {kind: set(names) for kind, names in machines.left().items()}


@pytest.fixture
def others(empty_cloud: None, machines: Machines) -> dict[str, set[str]]:
    """Everything in the project that does not belong to this test."""
    return everything(machines)


@pytest.fixture
def half_made(tmp_path: Path, others: dict[str, set[str]], machines: Machines) -> Iterator[Stack]:
    """A stack whose engine was killed while it was making machines."""
    stack = Stack(tmp_path / "half", "half")
    # `make destroy` needs these beside the program.
    for part in ("dev/scripts", "ops", "policy"):
        shutil.copytree(PROJECT / part, stack.folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    stack.configure(small("debian-12-kubernetes"))
    assert stack.pulumi("stack", "select", "--create", "half").returncode == 0
    process = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--parallel", "32"],
        cwd=stack.folder,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until(lambda: any(name.startswith("half-") for name in machines.names()), "a machine exists", 120)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    yield stack
    destroy(stack)


def destroy(stack: Stack) -> float:
    """Run `make destroy`, which must succeed. Returns the seconds that it took."""
    began = time.monotonic()
    done = subprocess.run(
        ["dev/scripts/destroy.sh"],
        cwd=stack.folder,
        env=stack.environment,
        text=True,
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - began


def test_nothing_is_left_of_a_half_made_stack(
    others: dict[str, set[str]], half_made: Stack, machines: Machines
) -> None:
    assert everything(machines) != others
    record("destroy of a half-made stack", f"{destroy(half_made):.0f} s")
    assert everything(machines) == others
    destroy(half_made)
