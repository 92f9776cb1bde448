"""`pulumi up --refresh` replaces machines deleted without the stack's knowledge. They rejoin, nothing else changes."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from ops.shared.cluster import Cluster
from tests.lab import watch
from tests.lab.machines import Machines
from tests.lab.platform import Platform, run, until
from tests.lab.report import record

KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"


def repair(platform: Platform, machines: Machines, names: list[str]) -> None:
    """Delete machines and replace them with one `up` while clients write. The others must not change."""
    before = watch.identity(platform)
    what = " and ".join(names)
    with watch.writing(platform, f"{what} deleted and repaired") as writer:
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda name: machines.delete(f"lab-{name}"), names))
        done = platform.up("--refresh")
    assert done.status == 0, done.text
    # The limit is wide: the drills measure the cost of a loss, on a platform that does nothing else at the same time.
    assert writer.answers.longest_gap() <= 10
    record(f"{what}: up --refresh with its proof", f"{done.seconds:.0f} s")
    expected = {f"{kind}/{name}" for name in names for kind in ("Instance", "Command")}
    assert watch.touched() == expected | {f"CopyToRemote/{name}-agent" for name in names}
    after = watch.identity(platform)
    assert after.without(*names) == before.without(*names)
    for name in names:
        assert after.starts[name] != before.starts[name], name
    # The names are the same, but the members and nodes are new: the stale ones are gone.
    for old, new in ((before.members, after.members), (before.nodes, after.nodes)):
        assert new.keys() == old.keys()
        assert {name for name in old if new[name] != old[name]} == {f"lab-{n}" for n in names} & old.keys()


def worker_without_primary(platform: Platform) -> str:
    """A worker that does not run the database's primary."""
    database = platform.outputs.database
    assert database is not None
    placed = platform.on(
        "control-plane-1",
        f"{KUBECTL} -n {database.namespace} get pod {database.primary} -o jsonpath='{{.spec.nodeName}}'",
    )
    workers = {machine.name for machine in platform.outputs.role("worker")} - {placed.strip()}
    return min(workers).removeprefix("lab-")


def test_repair_of_the_gateway_with_the_vips_and_a_worker(platform: Platform, machines: Machines) -> None:
    holder, worker = platform.vip_holder(), worker_without_primary(platform)
    # The new machine must not inherit this.
    platform.on("control-plane-1", f"{KUBECTL} cordon lab-{worker}")
    repair(platform, machines, [holder, worker])
    (other,) = {machine.name.removeprefix("lab-") for machine in platform.outputs.role("gateway")} - {holder}
    assert platform.vip_holder() == other, "the new gateway must be the backup"
    node = json.loads(platform.on("control-plane-1", f"{KUBECTL} get node lab-{worker} -o json"))
    assert not node["spec"].get("unschedulable")
    # It can take over only when it reaches every API server.
    until(lambda: len(watch.backends_up(platform, holder)) == 3, "the new gateway finds all API servers", 30)


@pytest.mark.long
def test_repair_of_the_etcd_leader(platform: Platform, machines: Machines) -> None:
    leader = watch.site(platform).etcd_leader().name.removeprefix("lab-")
    repair(platform, machines, [leader])
    listed = platform.snapshots(leader)
    first = listed[0]
    assert (first["reason"], first["verified"]) == ("membership", True), listed


def test_repair_of_the_first_control_plane(platform: Platform, machines: Machines) -> None:
    """The machine that is first in every list and has often initialised the cluster."""
    repair(platform, machines, ["control-plane-0"])
    nodes = {node.name: node for node in Cluster(platform.outputs).nodes()}
    assert nodes["lab-control-plane-0"].control_plane
    for gateway in ("gateway-0", "gateway-1"):
        until(partial(_serves, platform, gateway, "control-plane-0"), f"{gateway} finds its API server ready", 30)


def _serves(platform: Platform, gateway: str, name: str) -> bool:
    return name in watch.backends_up(platform, gateway)


@pytest.mark.long
def test_repair_of_a_member_without_data(platform: Platform) -> None:
    """The machine has not changed for OpenStack, so its step is run again by name."""
    leader = watch.site(platform).etcd_leader().name.removeprefix("lab-")
    name = min(m.name.removeprefix("lab-") for m in platform.outputs.role("etcd") if not m.name.endswith(leader))
    before = watch.identity(platform)
    platform.on(name, "systemctl stop etcd && rm -rf /var/lib/etcd/member")
    done = platform.up("--target-replace", f"**remote:Command::{name}")
    assert done.status == 0, done.text
    record(f"{name} wiped: up with its proof", f"{done.seconds:.0f} s")
    assert watch.touched() == {f"Command/{name}"}
    after = watch.identity(platform)
    assert replace(after, members={}).without(name) == replace(before, members={}).without(name)
    assert after.members.keys() == before.members.keys()
    assert [each for each in before.members if after.members[each] != before.members[each]] == [f"lab-{name}"]


def test_nothing_has_changed_for_pulumi(platform: Platform) -> None:
    done = run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
