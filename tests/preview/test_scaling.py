"""What added and removed nodes touch, and in which order, on the real engine. tests.engine stands for the cloud."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.engine import home
from tests.engine.echo import DELETED
from tests.preview.stack import PROJECT, Stack
from tests.preview.test_protection import operations
from tests.preview.test_stacks import ON_THE_LAB

POOL: dict[str, Any] = {"flavor": "lab.worker", "image": "debian-12"}
SETTINGS: dict[str, Any] = {**ON_THE_LAB, "preset": "production", "kubernetes": {"cni": "flannel"}}
GATEWAYS = {"Command/gateway-0", "Command/gateway-1"}


def resized(workers: int = 2, control_planes: int = 3, **pools: Any) -> dict[str, Any]:
    """The stack's settings with another size."""
    return {
        **SETTINGS,
        "controlPlanes": {"flavor": "lab.control-plane", "image": "debian-12", "count": control_planes},
        "workers": {"general": {**POOL, "count": workers}, **pools},
    }


@pytest.fixture(scope="module")
def deleted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the URNs that the plugins were asked to delete, one per line."""
    return tmp_path_factory.mktemp("deleted") / "urns"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, deleted: Path) -> Stack:
    """A production platform."""
    folder = tmp_path_factory.mktemp("scaling")
    made = Stack(folder / "stack", "scaling")
    shutil.copy(PROJECT / "tests" / "engine" / "no_preflight.py", made.folder / "preflight" / "run.py")
    made.environment |= {**home.make(folder / "home"), DELETED: str(deleted)}
    made.configure(resized())
    made.select()
    up(made, resized())
    return made


def up(stack: Stack, settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Run `up` with these settings. Returns its steps in order, as operation and type/name, without `same`."""
    stack.configure(settings)
    done = stack.pulumi("up", "--yes", "--skip-preview", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return operations(done.stdout)


def machine(name: str) -> set[str]:
    """The resources of one node."""
    kinds = ("PrivateKey", "Port", "Instance", "Command")
    return {f"{kind}/{name}" for kind in kinds} | {f"CopyToRemote/{name}-agent", f"Command/leave-{name}"}


def check_order(steps: list[tuple[str, str]], *names: str) -> None:
    """Check that each node leaves before its machine is deleted, after all other machines have changed."""
    order = [name for op, name in steps if op == "delete"]
    for name in names:
        assert order.index(f"Command/leave-{name}") < order.index(f"Instance/{name}") < order.index(f"Port/{name}")
    changes = [index for index, (op, _) in enumerate(steps) if op == "update"]
    assert max(changes, default=-1) < steps.index(("delete", f"Command/leave-{names[0]}"))


def test_a_preview_with_another_worker_shows_its_own_resources_and_nothing_else(stack: Stack) -> None:
    stack.configure(resized(workers=3))
    preview = stack.preview()
    assert preview.status == 0, preview.text
    steps = [step for step in preview.steps if step["op"] != "same"]
    assert {step["op"] for step in steps} == {"create"}
    named = {f"{step['newState']['type'].split(':')[-1]}/{step['urn'].split('::')[-1]}" for step in steps}
    assert named == machine("worker-general-2")


def test_a_worker_touches_no_other_and_leaves_before_its_machine_is_deleted(stack: Stack, deleted: Path) -> None:
    came = up(stack, resized(workers=3))
    assert sorted(came) == sorted(("create", name) for name in machine("worker-general-2"))
    assert not deleted.exists()
    went = up(stack, resized())
    assert sorted(went) == sorted(("delete", name) for name in machine("worker-general-2"))
    check_order(went, "worker-general-2")


def test_a_pool_and_control_planes_touch_only_the_gateways(stack: Stack) -> None:
    """And the command that knows the labels and taints of each pool."""
    names = ["worker-more-0", "worker-more-1"]
    group = {"WorkerPool/more", "ServerGroup/worker-more"}
    came = up(stack, resized(more={**POOL, "count": 2, "firstAddress": 64}))
    assert {name for op, name in came if op == "create"} == machine(names[0]) | machine(names[1]) | group
    assert {name for op, name in came if op == "update"} == {*GATEWAYS, "Command/nodes"}
    went = up(stack, resized(control_planes=1))
    names += ["control-plane-1", "control-plane-2"]
    assert {name for op, name in went if op == "delete"} == group.union(*map(machine, names))
    # The first one's node would leave by the second, which is gone. An update of that command runs nothing.
    leave = "Command/leave-control-plane-0"
    assert {name for op, name in went if op == "update"} == {*GATEWAYS, "Command/nodes", leave}
    check_order(went, *names)
    assert {op for op, _ in came + went} == {"create", "update", "delete"}


def test_destroy_does_not_need_the_cluster(stack: Stack, deleted: Path) -> None:
    """The cluster may be dead, and its machines are deleted anyway."""
    assert any("::leave-" in line for line in deleted.read_text().splitlines())
    deleted.unlink()
    stack.configure({**resized(control_planes=1), "protection": {"etcd": False, "database": False, "vips": False}})
    for command in (("up", "--skip-preview"), ("destroy",)):
        done = stack.pulumi(*command, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
    gone = deleted.read_text().splitlines()
    assert any(line.endswith("Instance::worker-general-0") for line in gone)
    assert not [line for line in gone if "::leave-" in line]
    assert not json.loads(stack.pulumi("stack", "export").stdout)["deployment"].get("resources", [])[1:]
