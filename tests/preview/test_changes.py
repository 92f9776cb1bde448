"""What a change of an existing platform touches, on the real engine. tests.engine.echo stands for the cloud."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.engine import home
from tests.preview.stack import Stack
from tests.preview.test_stacks import ON_THE_LAB

COMMAND, UPLOAD = "command:remote:Command", "command:remote:CopyToRemote"
SETTINGS = {"preset": "production", "kubernetes": {"cni": "flannel"}, "database": {"replicas": 1}, **ON_THE_LAB}
GATEWAYS = {"gateway-0", "gateway-1"}
CONTROL_PLANES = {"control-plane-0", "control-plane-1", "control-plane-2"}
WORKERS = {"worker-general-0", "worker-general-1"}
ETCD = {"etcd-0", "etcd-1", "etcd-2"}
MACHINES = GATEWAYS | ETCD | CONTROL_PLANES | WORKERS


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A production platform made with the current program."""
    folder = tmp_path_factory.mktemp("changes")
    made = Stack(folder / "stack", "changes")
    made.environment |= home.make(folder / "home")
    made.configure(SETTINGS)
    made.pulumi("stack", "select", "--create", "changes")
    up = made.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    return made


@contextmanager
def one_more_line(path: Path) -> Iterator[None]:
    """The file has one more line during the block."""
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}# One more line.\n", encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def changed(stack: Stack) -> list[dict[str, Any]]:
    """The steps of a preview that are not `same`."""
    preview = stack.preview()
    assert preview.status == 0, preview.text
    return [step for step in preview.steps if step["op"] != "same"]


def parts(step: dict[str, Any]) -> set[str]:
    """The parts of a machine's desired state that the preview shows as changed."""

    def listed(state: str) -> dict[str, str]:
        inputs = step[state]["inputs"]
        return dict(re.findall(r"^# (\S+) ([0-9a-f]{8}|secret)$", inputs["create"], re.MULTILINE))

    old, new = listed("oldState"), listed("newState")
    return {path for path in {*old, *new} if old.get(path) != new.get(path)}


def test_two_previews_of_an_unchanged_stack_are_identical(stack: Stack) -> None:
    def text() -> str:
        made = stack.pulumi("preview", "--diff")
        assert made.returncode == 0
        return made.stdout

    first = text()
    assert re.search(r"^Resources:\n +\d+ unchanged\s*\Z", first, re.MULTILINE)
    assert text() == first


@pytest.mark.parametrize(
    ("template", "shown"),
    [
        ("gateway/haproxy.cfg.j2", {"gateway.haproxy": GATEWAYS}),
        ("etcd/etcd.service", {"etcd.files.unit": ETCD}),
        (
            "kubernetes/containerd.toml.j2",
            {"control_plane.containerd.configuration": CONTROL_PLANES, "worker.containerd.configuration": WORKERS},
        ),
        ("kubernetes/haproxy.cfg.j2", {"worker.balancer": WORKERS}),
        ("common/journald.conf", {"machine.base.journald_config": MACHINES}),
    ],
)
def test_a_changed_template_touches_its_machines_and_parts_and_nothing_else(
    stack: Stack, template: str, shown: dict[str, set[str]]
) -> None:
    with one_more_line(stack.folder / "machines" / template):
        steps = changed(stack)
    assert {step["op"] for step in steps} <= {"update"}
    assert {step["newState"]["type"] for step in steps} <= {COMMAND}
    found: dict[str, set[str]] = {}
    for step in steps:
        for part in parts(step) or {""}:
            found.setdefault(part, set()).add(step["urn"].split("::")[-1])
    assert found == shown


def test_another_agent_is_uploaded_to_each_machine_and_runs_there(stack: Stack) -> None:
    """The desired states do not change, and commands that act on the whole cluster do not run again for it."""
    with one_more_line(stack.folder / "agent" / "machine.py"):
        steps = changed(stack)
    touched = {(step["op"], step["newState"]["type"], step["urn"].split("::")[-1]) for step in steps}
    steps_and_uploads = ((COMMAND, ""), (UPLOAD, "-agent"))
    assert touched == {("update", kind, f"{name}{end}") for name in MACHINES for kind, end in steps_and_uploads}
    for step in steps:
        if step["newState"]["type"] == COMMAND:
            assert not parts(step), step["urn"]


def test_a_range_that_a_running_cluster_cannot_change_is_refused(stack: Stack) -> None:
    stack.configure({**SETTINGS, "network": {"pods": "10.200.0.0/16"}})
    try:
        preview = stack.preview()
    finally:
        stack.configure(SETTINGS)
    assert preview.status != 0
    assert "network.pods 10.200.0.0/16" in preview.text
    assert not [step for step in preview.steps if step["op"] not in ("same", "create")]


def test_another_image_touches_no_existing_machine(stack: Stack) -> None:
    stack.configure({**SETTINGS, "etcd": {**ON_THE_LAB["etcd"], "image": "debian-12-kubernetes"}})
    try:
        assert not changed(stack)
    finally:
        stack.configure(SETTINGS)


def test_other_passwords_change_the_secret_and_the_release_that_waits_for_them(stack: Stack) -> None:
    stack.configure({**SETTINGS, "database": {**SETTINGS["database"], "passwordEpoch": "2"}})
    try:
        steps = changed(stack)
    finally:
        stack.configure(SETTINGS)
    assert {(step["op"], step["urn"].split("::")[-1]) for step in steps} == {
        ("update", "mariadb-passwords"),
        ("update", "mariadb"),
    }


def test_a_change_inside_the_chart_updates_its_release(stack: Stack) -> None:
    template = stack.folder / "charts" / "mariadb" / "templates" / "NOTES.txt"
    text = template.read_text(encoding="utf-8")
    template.write_text(f"{text}One more line.\n", encoding="utf-8")
    try:
        steps = changed(stack)
    finally:
        template.write_text(text, encoding="utf-8")
    assert [(step["op"], step["urn"].split("::")[-1]) for step in steps] == [("update", "mariadb")]


ROTATED = {
    "certificates": {"epoch": "spring", "authorities": {"issuing": "1", "trusted": ["1", "2"]}},
    "access": {"sshKeys": {"login": "1", "accepted": ["1", "2"]}},
}


def test_a_rotation_only_makes_keys_and_certificates_and_updates_steps(stack: Stack) -> None:
    stack.configure({**SETTINGS, **ROTATED})
    try:
        steps = changed(stack)
    finally:
        stack.configure(SETTINGS)
    by_operation: dict[str, set[str]] = {}
    for step in steps:
        state = step.get("newState") or step["oldState"]
        by_operation.setdefault(step["op"], set()).add(state["type"].split(":")[0])
    assert by_operation.pop("create") == {"openstack-paas", "tls"}
    assert by_operation.pop("delete") == {"openstack-paas", "tls"}
    assert by_operation.pop("update") <= {"command", "pulumi", "kubernetes"}
    assert not by_operation, "nothing may be replaced"


def test_a_rotation_that_skips_a_stage_is_refused(stack: Stack) -> None:
    stack.configure({**SETTINGS, "certificates": {"authorities": {"issuing": "2", "trusted": ["2"]}}})
    try:
        preview = stack.preview()
    finally:
        stack.configure(SETTINGS)
    assert preview.status != 0
    assert "certificates.authorities.trusted 2: leaves out 1, which the running platform issues with" in preview.text


def test_removing_the_first_of_two_ranges_removes_only_its_rule(stack: Stack) -> None:
    """If rules were numbered, the second would take the first one's name, and OpenStack refuses duplicate rules."""
    rule = "openstack:networking/secGroupRule:SecGroupRule"

    def rules(*cidrs: str) -> list[tuple[str, str]]:
        stack.configure({**SETTINGS, "access": {"sshCidrs": list(cidrs)}})
        found = [step for step in changed(stack) if step["urn"].split("::")[2].endswith(rule)]
        return sorted((step["op"], step["urn"].split("::")[-1]) for step in found)

    def up() -> None:
        done = stack.pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        assert ("create", "gateway-ssh-192.0.2.0-24") in rules("192.0.2.0/24", "203.0.113.0/24")
        up()
        assert rules("203.0.113.0/24") == [("delete", "gateway-ssh-192.0.2.0-24")]
        assert rules("203.0.113.0/24", "192.0.2.0/24") == []
    finally:
        stack.configure(SETTINGS)
        up()
