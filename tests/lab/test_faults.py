"""Faults while a platform is made. Each gives one clear message that says what failed and where."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest
import yaml

from ops.explain import console_tail, failures
from tests.lab.machines import Machines
from tests.lab.platform import PROJECT, Platform, run
from tests.lab.report import record
from tests.lab.small_platform import small
from tests.preview.stack import Stack

pytestmark = pytest.mark.long


@pytest.fixture
def stack(tmp_path: Path, platform: Platform) -> Iterator[Stack]:
    """A small stack, destroyed afterwards no matter how far its `up` got."""
    made = Stack(tmp_path / "small", "small")
    yield made
    done = made.pulumi("destroy", "--yes", "--skip-preview", "--parallel", "32")
    assert done.returncode == 0, done.stdout + done.stderr


def failed_up(stack: Stack, name: str) -> tuple[str, list[str]]:
    """The output of an `up` that must fail, and the names of the resources that failed."""
    log = stack.folder / "events.jsonl"
    stack.environment["PULUMI_DEBUG_COMMANDS"] = "1"
    assert stack.pulumi("stack", "select", "--create", name).returncode == 0
    done = stack.pulumi("up", "--yes", "--skip-preview", "--parallel", "32", "--event-log", str(log))
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr, [failure.name for failure in failures(log.read_text())]


@pytest.fixture(scope="module")
def dead_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image whose machines start but do nothing: no network, no SSH."""
    path = tmp_path_factory.mktemp("image") / "dead.tar"
    init = b"#!/bin/busybox sh\necho this image only sleeps\nexec /bin/busybox sleep 3600\n"
    with tarfile.open(path, "w") as tar:
        for folder in ("bin", "sbin", "dev", "proc", "sys", "run", "etc", "var", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        tar.add("/bin/busybox", "bin/busybox")
        entry = tarfile.TarInfo("sbin/init")
        entry.size, entry.mode = len(init), 0o755
        tar.addfile(entry, io.BytesIO(init))
    admin: Any = openstack.connect(cloud="lab-admin")
    image = admin.create_image(
        "dead", filename=str(path), disk_format="raw", container_format="bare", visibility="public", wait=True
    )
    yield "dead"
    admin.delete_image(image.id)


def test_a_machine_without_ssh_is_named_with_its_console(stack: Stack, dead_image: str) -> None:
    stack.configure(small(dead_image))
    text, failed = failed_up(stack, "small")
    assert failed == ["gateway-0"], "there must be one message, not one for every machine behind it"
    assert "172.24.4." in text, "the message must name the address"
    tail = console_tail(openstack.connect(cloud="lab"), "small", "gateway-0")
    assert "this image only sleeps" in tail


def test_a_missing_package_source_is_named_with_the_machine(stack: Stack) -> None:
    mirrors = yaml.safe_load((PROJECT / "Pulumi.lab.yaml").read_text())["config"]["openstack-paas:mirrors"]
    gone = [{**source, "uri": "http://172.24.4.1:8480/no-such-mirror"} for source in mirrors["debian"]]
    stack.configure(small("debian-12", mirrors={**mirrors, "debian": gone}))
    text, failed = failed_up(stack, "small")
    assert failed == ["gateway-0"]
    assert "no-such-mirror" in text


def test_a_restart_of_openstack_does_not_change_a_running_stack(platform: Platform, machines: Machines) -> None:
    from dev.lab import supervision

    supervisor = supervision.client()
    for group in sorted(name for name in supervision.states() if "nova" in name or "neutron" in name):
        supervisor.stopProcessGroup(group.partition(":")[0])
    back = run("/usr/bin/python3", "-m", "dev.lab", "up", seconds=300)
    assert back.status == 0, back.text
    record("lab up after nova and neutron were stopped", f"{back.seconds:.0f} s")
    done = run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
