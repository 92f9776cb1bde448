"""The graph that the program registers: dependencies, parallel joins, names, secrets."""

import base64
import gzip
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from settings.running import from_outputs
from tests.unit.components import graph as graphs
from tests.unit.components.graph import LAB, Graph, Registered

ETCD = {f"Command/etcd-{i}" for i in range(3)}
CONTROL_PLANES = {f"Command/control-plane-{i}" for i in range(3)}
WORKERS = {f"Command/worker-general-{i}" for i in range(2)}
GATEWAYS = {f"Command/gateway-{i}" for i in range(2)}


@pytest.fixture(scope="module")
def lab() -> tuple[Graph, dict[str, Any]]:
    """The graph and the outputs of the lab's topology."""
    return graphs.run(LAB)


def test_machines_of_a_small_role_are_made_one_after_another_and_roles_side_by_side(
    lab: tuple[Graph, dict[str, Any]],
) -> None:
    graph, _ = lab
    instances = graph.of_type("openstack:compute/instance:Instance")
    for role, count in (("gateway", 2), ("etcd", 3), ("control-plane", 3)):
        for index in range(count):
            waits = {name for name in instances[f"{role}-{index}"].dependencies if name.startswith("Instance/")}
            assert waits == {f"Instance/{role}-{i}" for i in range(index)}
    for index in range(2):
        assert not any(d.startswith("Instance/") for d in instances[f"worker-general-{index}"].dependencies)


def reachable(graph: Graph, name: str) -> set[str]:
    """Everything that `name` waits for, directly or not."""
    table = {f"{r.type.split(':')[-1]}/{r.name}": r for r in graph.resources}
    found: set[str] = set()
    queue = [name]
    while queue:
        for dependency in table[queue.pop()].dependencies - found:
            found.add(dependency)
            queue.append(dependency)
    return found


def test_ten_machines_with_planned_addresses(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, outputs = lab
    assert len(graph.of_type("openstack:compute/instance:Instance")) == 10
    addresses = {entry["name"]: entry["address"] for entry in outputs["inventory"]}
    assert addresses["lab-gateway-0"] == "10.20.0.12"
    assert addresses["lab-etcd-2"] == "10.20.0.18"
    assert addresses["lab-control-plane-0"] == "10.20.0.23"
    assert addresses["lab-worker-general-1"] == "10.20.0.33"


def test_gateways_wait_for_no_other_machine(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for gateway in sorted(GATEWAYS):
        assert not reachable(graph, gateway) & (ETCD | CONTROL_PLANES | WORKERS | GATEWAYS - {gateway})


def test_etcd_members_start_side_by_side_behind_the_gateways(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for member in sorted(ETCD):
        waits = reachable(graph, member)
        assert waits >= GATEWAYS
        assert not waits & ETCD


def test_members_begin_the_first_etcd_when_all_their_machines_are_there(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, outputs = lab
    machines = {f"Instance/etcd-{number}" for number in range(3)}
    roles = ("etcd", "control-plane")
    assert outputs["founders"] == [f"{role}-{number}-id" for role in roles for number in range(3)]
    for number in range(3):
        assert graph.commands()[f"etcd-{number}"].dependencies >= machines


def test_the_second_up_changes_no_member_and_a_new_machine_founds_nothing(lab: tuple[Graph, dict[str, Any]]) -> None:
    first, outputs = lab
    running = from_outputs(outputs)
    assert running is not None
    second, again = graphs.run(LAB, running=running)
    assert again["founders"] == outputs["founders"]
    for name in ("etcd-0", "etcd-1", "etcd-2"):
        assert second.commands()[name].inputs == first.commands()[name].inputs
        assert "Instance/etcd-0" not in second.commands()[name].dependencies or name == "etcd-0"
    other, _ = graphs.run(LAB, running=replace(running, founders=("etcd-0-id", "etcd-1-id", "gone")))
    assert not graphs.state(other, "etcd-0")["etcd"]["member"]["had_cluster"]
    assert graphs.state(other, "etcd-2")["etcd"]["member"]["had_cluster"]


def test_control_planes_join_side_by_side_once_etcd_is_there(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for control_plane in sorted(CONTROL_PLANES):
        waits = reachable(graph, control_plane)
        assert waits >= ETCD
        assert not waits & (CONTROL_PLANES | WORKERS)


def test_workers_wait_for_no_control_plane_in_particular(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for worker in sorted(WORKERS):
        assert not reachable(graph, worker) & (CONTROL_PLANES | WORKERS)


def test_addons_follow_in_order(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    flannel, local_path, database = (
        reachable(graph, f"Release/{name}") for name in ("flannel", "local-path", "mariadb")
    )
    assert "Command/api" in flannel
    assert not flannel & (CONTROL_PLANES | WORKERS)
    assert local_path >= WORKERS | {"Release/flannel"}
    assert database >= {"Release/local-path", "Secret/mariadb-passwords"}


def test_a_step_is_replaced_by_a_new_machine_and_by_nothing_else(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    steps = {name: command for name, command in graph.commands().items() if "triggers" in command.inputs}
    assert len(steps) == 10
    for name, command in steps.items():
        assert command.inputs["triggers"] == [f"{name}-id"]
        assert command.deleted_with == f"Instance/{name}"
        assert "delete" not in command.inputs


def test_new_images_and_releases_rebuild_no_machine(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for instance in graph.of_type("openstack:compute/instance:Instance").values():
        assert {"imageId", "imageName", "userData"} <= set(instance.ignore_changes)


def test_only_the_vip_is_an_allowed_pair_and_as_one_address(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    ports = graph.of_type("openstack:networking/port:Port")
    pairs = {
        name: port.inputs["allowedAddressPairs"] for name, port in ports.items() if "allowedAddressPairs" in port.inputs
    }
    assert pairs == {f"gateway-{i}-edge": [{"ipAddress": "10.21.0.5"}] for i in range(2)}


def secret_texts(graph: Graph) -> list[str]:
    """Private keys as the mocks made them."""
    return [f"PRIVATE {name}" for name in graph.of_type("tls:index/privateKey:PrivateKey")]


def script(command: Registered) -> str:
    """The text of a command, which is shown: of a step, or of a node's leaving."""
    return str(command.inputs.get("create") or command.inputs["delete"])


def stdin(command: Registered) -> str:
    """The unpacked desired state of a step, as one text."""
    text = str(command.inputs["stdin"])
    return gzip.decompress(base64.b64decode(text)).decode("utf-8", "replace")


def test_secrets_travel_on_stdin_alone(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for command in graph.commands().values():
        assert not any(secret in script(command) for secret in secret_texts(graph))
        assert "environment" not in command.inputs
        assert not {"create", "delete"} & command.secret_inputs, "a secret script hides what a preview changes"
    for name, command in graph.commands().items():
        if "PRIVATE" in stdin(command):
            assert "stdin" in command.secret_inputs, name


def test_the_secrets_of_places_for_backups_reach_the_members_and_the_database_alone() -> None:
    place = {"endpoint": "https://s3.example.org", "bucket": "backups"}
    keys = {"backupS3AccessKey": "AccessKeyOfS3", "backupS3SecretKey": "SecretKeyOfS3"}
    graph, _ = graphs.run({"preset": "dev", **keys, "backups": {"copyTo": {"s3": place}}})
    knowing = {name for name, command in graph.commands().items() if "SecretKeyOfS3" in stdin(command)}
    assert knowing == {"etcd-0"}
    step = graph.commands()["etcd-0"]
    assert "stdin" in step.secret_inputs
    assert "# backups.files.rclone_config secret" in step.inputs["create"]
    secret = graph.of_type("kubernetes:core/v1:Secret")["mariadb-backup-s3"]
    assert "stringData" in secret.secret_inputs
    assert secret.inputs["stringData"]["secret-key"] == "SecretKeyOfS3"
    others = [str(resource.inputs) for resource in graph.resources if resource is not secret]
    assert "KeyOfS3" not in "".join(others)


def test_user_data_is_secret_and_holds_no_other_key_than_the_machines_own(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for name, instance in graph.of_type("openstack:compute/instance:Instance").items():
        assert "userData" in instance.secret_inputs, name
        own = "gateway" if name.startswith("gateway") else name
        others = [secret for secret in secret_texts(graph) if secret != f"PRIVATE {own}"]
        lines = [line.strip() for line in instance.inputs["userData"].splitlines()]
        assert not set(lines) & set(others), name


def test_passwords_reach_the_secret_and_no_chart_value(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    secret = graph.of_type("kubernetes:core/v1:Secret")["mariadb-passwords"]
    passwords = secret.inputs["stringData"]
    assert set(passwords) == {"root-password", "replication-password"}
    assert "stringData" in secret.secret_inputs
    for release in graph.of_type("kubernetes:helm.sh/v3:Release").values():
        assert not any(password in str(release.inputs) for password in passwords.values())


def test_everything_in_openstack_carries_the_clusters_name(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    named = [r for r in graph.resources if r.type.startswith("openstack:") and "name" in r.inputs]
    assert len(named) > 30
    for resource in named:
        name = resource.inputs["name"]
        assert name == "lab" or name.startswith("lab-"), f"{resource.type} {name}"


Keyed = dict[tuple[str, str], list[str]]


def by_key(values: dict[str, Any]) -> Keyed:
    """Inputs of every resource of a stack with these settings. A machine's key and a certificate's may share a name."""
    graph, _ = graphs.run(values)
    found: Keyed = {}
    for resource in graph.resources:
        # With its outputs a component has whatever came of its children.
        if resource.custom:
            found.setdefault((resource.type, resource.name), []).append(str(resource.inputs))
    return {key: sorted(inputs) for key, inputs in found.items()}


def changed(old: Keyed, new: Keyed) -> set[str]:
    """What both have, and not with the same inputs."""
    both = old.keys() & new.keys()
    return {f"{kind.split(':')[-1]}/{name}" for kind, name in both if old[kind, name] != new[kind, name]}


def sizes(control_planes: int = 3, **workers: dict[str, Any]) -> dict[str, Any]:
    """The lab's topology in another size."""
    return {**LAB, "controlPlanes": {"count": control_planes}, "workers": workers}


@pytest.mark.parametrize(
    ("fewer", "more", "added"),
    [
        (sizes(general={"count": 1}), sizes(general={"count": 2}), ["worker-general-1"]),
        (sizes(general={"count": 7}), sizes(general={"count": 9}), ["worker-general-7", "worker-general-8"]),
        (
            sizes(general={"machines": {"a": 9, "b": 12}}),
            sizes(general={"machines": {"a": 9, "b": 12, "c": 10}}),
            ["worker-general-c"],
        ),
    ],
    ids=["one", "beyond the block", "named"],
)
def test_another_worker_touches_nothing_else_and_its_removal_neither(
    fewer: dict[str, Any], more: dict[str, Any], added: list[str]
) -> None:
    old, new = by_key(fewer), by_key(more)
    assert not changed(old, new)
    assert not old.keys() - new.keys()
    forms = ("{}", "{}-agent", "leave-{}")
    assert {name for _, name in new.keys() - old.keys()} == {form.format(name) for name in added for form in forms}


def test_another_pool_and_other_control_planes_touch_the_gateways_alone() -> None:
    """And the command that gives nodes their labels, where a pool comes."""
    one = by_key(sizes(general={"count": 1}))
    gateways = {"Command/gateway-0", "Command/gateway-1"}
    more = by_key(sizes(general={"count": 1}, more={"count": 2, "firstAddress": 64}))
    assert changed(one, more) == gateways | {"Command/nodes"}
    # The first one's node leaves by the second, as soon as there is one.
    assert changed(by_key(sizes(1, general={"count": 1})), one) == gateways | {"Command/leave-control-plane-0"}


#: Where the first two control planes are.
FIRST, SECOND = "10.20.0.23", "10.20.0.24"


def agent(command: Registered) -> tuple[str, dict[str, Any]]:
    """The agent's command that runs on a control plane, and what it gets."""
    found = re.search(r"' sh agent.pyz .* (\S+) control-plane \d+$", script(command), re.MULTILINE)
    assert found
    return found[1], json.loads(stdin(command))


def test_every_node_leaves_by_a_control_plane_before_its_machine_goes(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    leaves = {name: command for name, command in graph.commands().items() if name.startswith("leave-")}
    nodes = [f"control-plane-{i}" for i in range(3)] + [f"worker-general-{i}" for i in range(2)]
    assert sorted(leaves) == [f"leave-{node}" for node in nodes]
    for node in nodes:
        command = leaves[f"leave-{node}"]
        # Nothing runs when it is made or changed, and nothing replaces it.
        assert not {"create", "update", "triggers"} & command.inputs.keys()
        # The first one stays the longest; its own node leaves by the second.
        host, index = (SECOND, 1) if node == "control-plane-0" else (FIRST, 0)
        assert command.dependencies >= {f"Instance/{node}", f"Command/control-plane-{index}"} | GATEWAYS
        assert f"Instance/control-plane-{index}" in reachable(graph, f"Command/leave-{node}")
        # It goes with the whole platform without being asked.
        assert command.deleted_with == "RouterInterface/router"
        connection = command.inputs["connection"]
        assert (connection["host"], connection["proxy"]["host"]) == (host, graphs.ADDRESSES["api"])
        assert connection["hostKey"] == graph.commands()[f"control-plane-{index}"].inputs["connection"]["hostKey"]
        departure = {"node": f"lab-{node}", "drain_seconds": 300, "bare_pods": "refuse", "data": ""}
        assert agent(command) == ("leave", departure)
        assert "stdin" not in command.secret_inputs
    assert not any("PRIVATE" in stdin(command) for name, command in leaves.items())
    # So there is no circle.
    for name in graph.commands():
        assert not any("leave-" in waits for waits in reachable(graph, f"Command/{name}"))


def test_a_lone_control_plane_has_nobody_else() -> None:
    graph, _ = graphs.run(sizes(1, general={"count": 1}))
    for node in ("control-plane-0", "worker-general-0"):
        assert graph.commands()[f"leave-{node}"].inputs["connection"]["host"] == FIRST


RULE = "openstack:networking/secGroupRule:SecGroupRule"


def test_one_range_less_takes_its_own_rules_and_touches_no_other() -> None:
    def access(*cidrs: str) -> dict[str, Any]:
        return {**LAB, "access": {"sshCidrs": list(cidrs)}}

    both, left = by_key(access("192.0.2.0/24", "203.0.113.0/24")), by_key(access("203.0.113.0/24"))
    assert both.keys() - left.keys() == {(RULE, "gateway-ssh-192.0.2.0-24")}
    assert not left.keys() - both.keys()
    assert not {name for name in changed(both, left) if name.startswith("SecGroupRule/")}


def test_rules_go_with_their_groups_and_keep_what_they_were() -> None:
    ranges = {"access": {"sshCidrs": ["203.0.113.0/24", "192.0.2.0/24"]}}
    graph, outputs = graphs.run(
        {**LAB, **ranges}, numbered={"gateway-ssh-0": "192.0.2.0/24", "node-ssh": "10.20.0.12/30"}
    )
    rules = graph.of_type(RULE)
    for name, rule in rules.items():
        assert name.startswith(f"{rule.deleted_with.removeprefix('SecGroup/')}-")
    assert {name: rule.aliases for name, rule in rules.items() if rule.aliases} == {
        "gateway-ssh-192.0.2.0-24": ("gateway-ssh-0",)
    }
    assert outputs["securityRules"] == "by-range"


def test_kube_proxy_changes_once_every_node_has_an_api_of_its_own(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    command = graph.commands()["kube-proxy"]
    assert command.dependencies >= GATEWAYS | CONTROL_PLANES | WORKERS
    assert command.inputs["connection"]["host"] == FIRST
    name, wanted = agent(command)
    assert (name, wanted["server"]) == ("kube-proxy", "https://127.0.0.1:6443")
    # kubeadm's upgrade writes it as it was: another version runs it again.
    assert wanted["kubernetes_version"].startswith("1.")
    assert "# kubernetes_version " in script(command)
    assert "stdin" not in command.secret_inputs
    assert command.deleted_with == "RouterInterface/router"


def test_labels_and_taints_change_once_every_node_has_recorded_its_own(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    command = graph.commands()["nodes"]
    assert command.dependencies >= GATEWAYS | CONTROL_PLANES | WORKERS
    assert command.inputs["connection"]["host"] == FIRST
    name, wanted = agent(command)
    assert name == "nodes"
    assert wanted["groups"] == [
        {
            "prefix": "lab-control-plane-",
            "pool": "",
            "labels": [],
            "taints": ["node-role.kubernetes.io/control-plane=:NoSchedule"],
        },
        {
            "prefix": "lab-worker-general-",
            "pool": "general",
            "labels": ["disk-type=ssd", "openstack-paas/pool=general"],
            "taints": [],
        },
    ]
    assert command.deleted_with == "RouterInterface/router"


def test_no_administrators_key_is_on_any_machine(lab: tuple[Graph, dict[str, Any]]) -> None:
    graph, _ = lab
    for name, command in graph.commands().items():
        assert "PRIVATE administrator" not in stdin(command), name
