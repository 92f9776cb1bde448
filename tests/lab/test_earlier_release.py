"""A platform of the release before the agent goes over to this one by a single `up`, while clients write."""

import io
import json
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import watch
from tests.lab.platform import PROJECT, Platform
from tests.lab.report import record
from tests.lab.small_platform import small
from tests.preview.stack import Stack

pytestmark = pytest.mark.long

NAME = "earlier"
#: The last commit whose machines ran shell. Its state is in tests/preview/recorded, too.
RELEASE = "3127377"
#: Seconds. A leader of etcd that goes is replaced within its election timeout and some more.
WRITE = 5.0


class EarlierPlatform(Platform):
    """The platform of the stack."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.stack = stack

    @property
    def document(self) -> dict[str, Any]:
        """The stack's outputs with secrets in plain text."""
        if self._document is None:
            done = self.stack.pulumi("stack", "output", "--json", "--show-secrets")
            assert done.returncode == 0, done.stderr
            self._document = json.loads(done.stdout)
        return self._document


def program(folder: Path) -> Path:
    """The program as it was."""
    done = subprocess.run(["git", "-C", PROJECT, "archive", RELEASE], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"{RELEASE} is not in this clone: `git fetch --unshallow`. {done.stderr.decode()}"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def stack(empty_cloud: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with the earlier program, destroyed at the end no matter how far it got."""
    folder = tmp_path_factory.mktemp(NAME)
    made = Stack(folder, NAME, program(folder / "earlier"))
    config = yaml.safe_load((PROJECT / "Pulumi.lab.yaml").read_text())["config"]
    settings = small(
        "debian-12-kubernetes",
        # The lab's machines are containers, whose checks by kubeadm need its exceptions.
        **{section: config[f"openstack-paas:{section}"] for section in ("kubernetes", "mirrors")},
        database={"replicas": 0, "size": "1Gi", "memory": "384Mi", "bufferPool": "64Mi"},
    )
    for role, count in (("gateways", 2), ("etcd", 3)):
        settings[role]["count"] = count
    made.configure(settings)
    made.select()
    yield made
    done = made.pulumi("destroy", "--yes", "--skip-preview", "--parallel", "32", seconds=600)
    assert done.returncode == 0, done.stdout + done.stderr


def up(stack: Stack) -> float:
    """Runs `up`, and returns its seconds."""
    began = time.monotonic()
    done = stack.pulumi("up", "--yes", "--skip-preview", "--parallel", "32", seconds=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - began


def test_it_goes_over_by_one_up(stack: Stack) -> None:
    up(stack)
    platform = EarlierPlatform(stack)
    stack.take(PROJECT)
    steps = stack.preview().steps
    changed = {step["urn"].split("::")[2].split("$")[-1] for step in steps if step["op"] != "same"}
    assert "command:remote:Command" in changed
    assert not [kind for kind in changed if kind.startswith("openstack:")], "nothing in the cloud changes"
    before = watch.identity(platform)
    with watch.writing(platform, "over to the agent") as writer, watch.database_writes(platform) as database:
        seconds = up(stack)
    record("over to the agent: up", f"{seconds:.0f} s")
    assert writer.answers.longest_gap() <= WRITE
    assert database.answers.longest_gap() <= WRITE
    assert not writer.answers.bad and not database.answers.bad
    # No machine, and none of its services, has started again.
    assert watch.identity(platform) == before
    done = stack.pulumi("preview", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
