"""One line of the stack file upgrades Kubernetes by a minor version while clients read and write, then etcd.

A disruption budget that allows no eviction stops the rollout half-way. The platform keeps working, and the next `up`
continues from there.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from dev.lab.mirror.product import MIRROR_PLACES
from dev.lab.mirror.programs import ETCD_AFTER
from ops.drill.probes.probe import Answers
from ops.shared.cluster import Cluster
from ops.timeline.steps import steps_of
from settings import versions
from tests.lab import watch
from tests.lab.platform import PROJECT, Platform, run, until
from tests.lab.report import record

COMMITTED = PROJECT / "Pulumi.lab.yaml"
BEFORE, AFTER = versions.DEFAULT_KUBERNETES, list(versions.KUBERNETES)[-1]
PATCH = versions.KUBERNETES[AFTER].patch
#: Longest times without an answer from the API through the VIP, and from the database while its primary restarts, in
#: seconds.
API_READ, DATABASE = 2.0, 20.0
#: A pod with a disruption budget that allows no eviction.
HOLDER = "held-by-a-budget"


@pytest.fixture(scope="module")
def packages_and_images() -> None:
    """Publish the newer version on the mirror."""
    done = run("/usr/bin/python3", "-m", "dev.lab.mirror", "--kubernetes", AFTER, seconds=1400)
    assert done.status == 0, done.text


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack file with the newer version."""
    document = yaml.safe_load(COMMITTED.read_text())
    assert document["config"]["openstack-paas:kubernetes"]["version"] == BEFORE
    document["config"]["openstack-paas:kubernetes"]["version"] = AFTER
    # A budget that allows no eviction blocks a drain for this long.
    document["config"]["openstack-paas:rollout"] = {"drainSeconds": 20}
    file = tmp_path_factory.mktemp("upgrade") / COMMITTED.name
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.fixture(scope="module")
def held(platform: Platform) -> Iterator[client.PolicyV1Api]:
    """A pod that cannot be evicted, on the worker that changes first."""
    api = Cluster(platform.outputs).api_client()
    apps, policy = client.AppsV1Api(api), client.PolicyV1Api(api)
    metadata = {"name": HOLDER, "labels": {"app": HOLDER}}
    container = {"name": "pause", "image": f"registry.k8s.io/pause:{versions.KUBERNETES[BEFORE].pause}"}
    spec = {"nodeSelector": {"kubernetes.io/hostname": "lab-worker-general-0"}, "containers": [container]}
    template = {"metadata": metadata, "spec": spec | {"terminationGracePeriodSeconds": 1}}
    selector = {"matchLabels": {"app": HOLDER}}
    apps.create_namespaced_deployment(
        "default", {"metadata": metadata, "spec": {"selector": selector, "template": template}}
    )
    policy.create_namespaced_pod_disruption_budget(
        "default", {"metadata": metadata, "spec": {"minAvailable": 1, "selector": selector}}
    )
    until(lambda: bool(apps.read_namespaced_deployment(HOLDER, "default").status.ready_replicas), HOLDER, 60)
    yield policy
    apps.delete_namespaced_deployment(HOLDER, "default", propagation_policy="Background")
    try:
        policy.delete_namespaced_pod_disruption_budget(HOLDER, "default")
    except ApiException as error:
        assert error.status == 404, error


def kubelets(platform: Platform) -> dict[str, str]:
    """The version of every kubelet by node, from the API."""
    nodes = client.CoreV1Api(Cluster(platform.outputs).api_client()).list_node().items
    return {node.metadata.name.removeprefix("lab-"): node.status.node_info.kubelet_version for node in nodes}


def schedulable(platform: Platform) -> bool:
    """Whether every node accepts pods."""
    nodes = client.CoreV1Api(Cluster(platform.outputs).api_client()).list_node().items
    return not any(node.spec.unschedulable for node in nodes)


def gaps(answers: Answers, longer_than: float) -> list[float]:
    """The times without a successful answer, the longest first."""
    return sorted((b - a for a, b in pairwise(sorted(answers.good)) if b - a > longer_than), reverse=True)


def seconds_by_machine() -> dict[str, float]:
    """The seconds that the last `up` took on each machine."""
    steps, _ = steps_of(json.loads(line) for line in watch.EVENTS.read_text().splitlines())
    return {step.name: step.seconds for step in steps if step.type.endswith(":Command") and step.operation == "update"}


def test_a_preview_shows_which_machines_change_and_replaces_none(platform: Platform, upgraded: Path) -> None:
    done = subprocess.run(
        ["pulumi", "preview", "--json", "--non-interactive", "--config-file", str(upgraded)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    steps = {step["urn"].rsplit("::", 1)[-1]: step["op"] for step in json.loads(done.stdout)["steps"]}
    changed = {name: op for name, op in steps.items() if op != "same"}
    names = {machine.name.removeprefix("lab-") for machine in platform.outputs.inventory}
    assert {name for name in names if not name.startswith("gateway")} <= changed.keys()
    assert set(changed.values()) == {"update"}, changed


def test_a_failed_gate_stops_the_rollout_and_the_platform_keeps_working(
    platform: Platform, upgraded: Path, packages_and_images: None, held: client.PolicyV1Api
) -> None:
    with watch.database_writes(platform) as database, watch.writing(platform, "control planes upgraded") as api:
        done = platform.up("--config-file", str(upgraded))
    assert done.status != 0
    for words in (HOLDER, "lab-worker-general-0", "rollout.drainSeconds", "kubeadm's plan", "kubeadm's dry run"):
        assert words in done.text, done.text[-4000:]
    found = kubelets(platform)
    assert {name for name, version in found.items() if version == f"v{PATCH}"} == {
        f"control-plane-{i}" for i in range(3)
    }
    assert schedulable(platform)
    record("upgrade of etcd and control planes, until the failed gate", f"{done.seconds:.0f} s")
    for name, seconds in seconds_by_machine().items():
        record(f"upgrade of {name}", f"{seconds:.0f} s")
    assert not gaps(api.reads, API_READ)
    # The change of control planes does not touch the database.
    assert not database.answers.bad, database.answers.last_error


def test_the_next_up_continues_the_rollout(platform: Platform, upgraded: Path, held: client.PolicyV1Api) -> None:
    held.delete_namespaced_pod_disruption_budget(HOLDER, "default")
    began = time.monotonic()
    with watch.database_writes(platform) as database, watch.writing(platform, "workers upgraded") as api:
        done = platform.up("--config-file", str(upgraded))
    assert done.status == 0, done.text
    assert set(kubelets(platform).values()) == {f"v{PATCH}"}
    assert schedulable(platform)
    took = seconds_by_machine()
    # What comes after the last node: kube-proxy's configuration, which kubeadm has written, and labels and taints.
    assert all(name.startswith("worker") for name in took.keys() - {"kube-proxy", "nodes"}), took
    for name, seconds in took.items():
        record(f"upgrade of {name}", f"{seconds:.0f} s")
    record("upgrade of the workers: up with its proof", f"{time.monotonic() - began:.0f} s")
    assert not gaps(api.reads, API_READ)
    # The primary's volume is on one of the workers: the database is away only while that one changes.
    away = gaps(database.answers, 1.0)
    record("database without a write", ", ".join(f"{gap:.1f} s" for gap in away) or "never for 1 s")
    assert max(away, default=0) <= DATABASE
    assert database.answers.longest_gap() <= DATABASE


def test_etcd_has_a_snapshot_from_before_the_upgrade(platform: Platform) -> None:
    listed = platform.snapshots("etcd-0")
    assert any(each["reason"] == "upgrade" and each["verified"] for each in listed), listed


def with_etcd(file: Path, digest: str) -> Path:
    """A stack file with the next minor version of etcd, whose archive has this SHA-256."""
    document = yaml.safe_load(file.read_text())
    document["config"]["openstack-paas:etcd"] |= {"version": ETCD_AFTER, "sha256": {"amd64": digest}}
    changed = file.parent / "etcd" / file.name
    changed.parent.mkdir(exist_ok=True)
    changed.write_text(yaml.safe_dump(document))
    return changed


def running_etcd(platform: Platform) -> set[str]:
    """The versions that the three members report."""
    said = platform.on("etcd-0", "set -a; . /etc/etcd/etcdctl.env; etcdctl endpoint status --write-out json")
    members = json.loads(said)
    assert len(members) == 3
    return {member["Status"]["version"] for member in members}


@pytest.fixture(scope="module")
def next_etcd(upgraded: Path, packages_and_images: None) -> Path:
    """A stack file with the next minor version of etcd, which no apt source of the lab offers."""
    folder = MIRROR_PLACES.files / "etcd" / f"v{ETCD_AFTER}"
    return with_etcd(upgraded, (folder / "SHA256SUMS").read_text().split()[0])


def test_an_archive_with_another_digest_is_not_installed(platform: Platform, upgraded: Path) -> None:
    before = running_etcd(platform)
    done = platform.up("--config-file", str(with_etcd(upgraded, "0" * 64)))
    assert done.status != 0
    assert f"its SHA-256 is not {'0' * 64}" in done.text, done.text[-4000:]
    assert running_etcd(platform) == before


def test_etcd_is_upgraded_by_a_minor_version(platform: Platform, next_etcd: Path) -> None:
    with watch.writing(platform, "etcd upgraded") as api:
        done = platform.up("--config-file", str(next_etcd))
    assert done.status == 0, done.text
    assert running_etcd(platform) == {ETCD_AFTER}
    record(f"upgrade of etcd to {ETCD_AFTER}: up with its proof", f"{done.seconds:.0f} s")
    assert not gaps(api.reads, API_READ)
    for number in range(3):
        listed = platform.snapshots(f"etcd-{number}")
        newest = [each for each in listed if each["reason"] == "upgrade" and each["verified"]][-1]
        assert versions.minor(newest["etcd"]) == "3.6", newest


def test_nothing_is_left_to_change(platform: Platform, next_etcd: Path) -> None:
    done = run(
        "pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive", "--config-file", str(next_etcd)
    )
    assert done.status == 0, done.text


def test_a_downgrade_is_refused(platform: Platform) -> None:
    done = run("pulumi", "preview", "--non-interactive")
    assert done.status != 0
    assert "kubernetes.version" in done.text
    assert "cannot be downgraded" in done.text
