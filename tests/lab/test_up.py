"""The platform after `up`: all parts work, a second `up` changes nothing, and everything is where it should be."""

import json

from ops.shared.cluster import Cluster
from tests.lab.machines import Machines
from tests.lab.platform import Platform, run
from tests.lab.report import record


def test_the_proof_passes_after_a_killed_and_a_second_up(platform: Platform) -> None:
    done = run("python", "-m", "ops", "proof", "--json")
    assert done.status == 0, done.text
    checks = json.loads(done.text)["checks"]
    assert all(check["passed"] for check in checks), checks


def test_a_second_up_changes_nothing(platform: Platform) -> None:
    done = run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--expect-no-changes")
    assert done.status == 0, done.text
    record("up without changes", f"{done.seconds:.1f} s")


def test_the_cloud_matches_the_state(platform: Platform) -> None:
    done = run("pulumi", "preview", "--refresh", "--expect-no-changes", "--non-interactive")
    assert done.status == 0, done.text
    record("preview --refresh --expect-no-changes", f"{done.seconds:.1f} s")


def test_machines_of_a_role_are_on_different_hosts(platform: Platform, machines: Machines) -> None:
    for role, count in (("gateway", 2), ("etcd", 3), ("control-plane", 3)):
        hosts = {machines.host(f"lab-{role}-{i}") for i in range(count)}
        assert len(hosts) == count, f"{role}: {hosts}"


def test_no_workload_on_control_planes(platform: Platform) -> None:
    placed = platform.on(
        "control-plane-0",
        "kubectl --kubeconfig /etc/kubernetes/admin.conf get pods -A "
        "--field-selector metadata.namespace!=kube-system "
        "-o jsonpath='{range .items[*]}{.spec.nodeName} {.metadata.ownerReferences[0].kind}{\"\\n\"}{end}'",
    )
    lines = [line.split() for line in placed.splitlines() if line.strip()]
    assert lines
    assert not [line for line in lines if "control-plane" in line[0] and line[1] != "DaemonSet"]


def test_volumes_are_on_the_workers_disks(platform: Platform) -> None:
    folders = "".join(platform.on(f"worker-general-{i}", "ls /disks") for i in range(2))
    assert folders.count("_data-mariadb-") == 2, folders


def test_etcd_refuses_clients_without_its_certificates(platform: Platform) -> None:
    refused = platform.on(
        "etcd-0", "curl -s -o /dev/null --max-time 5 -k https://127.0.0.1:2379/health && echo in || echo refused"
    )
    assert refused.strip() == "refused"


def test_the_default_route_of_a_machine_is_the_vip(platform: Platform) -> None:
    route = platform.on("worker-general-0", "ip -4 route show default")
    assert "via 10.20.0.5" in route


def test_labels_and_taints(platform: Platform) -> None:
    nodes = {node.name: node for node in Cluster(platform.outputs).nodes()}
    assert len(nodes) == 5
    labels = platform.on(
        "control-plane-0",
        "kubectl --kubeconfig /etc/kubernetes/admin.conf get node lab-worker-general-0 "
        "-o jsonpath='{.metadata.labels}'",
    )
    assert json.loads(labels)["disk-type"] == "ssd"
