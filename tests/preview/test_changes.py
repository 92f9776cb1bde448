"""What a change of an existing platform touches, on the real engine. tests.engine.echo stands for the cloud."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.engine import home
from tests.preview.stack import Stack
from tests.preview.test_stacks import ON_THE_LAB

COMMAND = "command:remote:Command"
SETTINGS = {"preset": "production", "kubernetes": {"cni": "flannel"}, "database": {"replicas": 1}, **ON_THE_LAB}
GATEWAYS = {"gateway-0", "gateway-1"}
NODES = {"control-plane-0", "control-plane-1", "control-plane-2", "worker-general-0", "worker-general-1"}
ETCD = {"etcd-0", "etcd-1", "etcd-2"}


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


def changed(stack: Stack) -> list[dict[str, Any]]:
    """The steps of a preview that are not `same`."""
    preview = stack.preview()
    assert preview.status == 0, preview.text
    return [step for step in preview.steps if step["op"] != "same"]


def files(step: dict[str, Any]) -> set[str]:
    """The files of a machine's bundle that the preview shows as changed."""

    def listed(state: str) -> dict[str, str]:
        inputs = step[state]["inputs"]
        # A node's leave command has only a `delete` script.
        text = inputs.get("create") or inputs["delete"]
        return dict(re.findall(r"^# (\S+) ([0-9a-f]{8}|secret)$", text, re.MULTILINE))

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
    ("template", "line", "machines", "shown"),
    [
        ("gateway/haproxy.cfg.j2", "# One more line.", GATEWAYS, {"gateway.haproxy"}),
        ("etcd/etcd.service", "# One more line.", ETCD, {"files/etcd.service"}),
        ("kubernetes/node.sh", "true", NODES, {"node.sh"}),
        ("common/lib.sh", "true", ETCD | NODES, {"lib.sh"}),
        # Comments of scripts stay here.
        ("common/lib.sh", "# One more line.", set(), set()),
    ],
)
def test_a_changed_template_touches_its_machines_and_files_and_nothing_else(
    stack: Stack, template: str, line: str, machines: set[str], shown: set[str]
) -> None:
    path: Path = stack.folder / "machines" / template
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}{line}\n", encoding="utf-8")
    try:
        steps = changed(stack)
    finally:
        path.write_text(before, encoding="utf-8")
    assert {step["op"] for step in steps} <= {"update"}
    assert {step["newState"]["type"] for step in steps} <= {COMMAND}
    assert {step["urn"].split("::")[-1] for step in steps} == machines
    for step in steps:
        assert files(step) == shown, step["urn"]


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
