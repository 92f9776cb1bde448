"""A small platform is upgraded from the oldest minor version to the newest, one at a time, and keeps its data."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes import client

from ops.shared.cluster import Cluster
from ops.shared.outputs import Outputs, parse
from settings.versions import KUBERNETES
from tests.lab.platform import PROJECT, run
from tests.lab.report import record
from tests.lab.small_platform import small
from tests.preview.stack import Stack

pytestmark = pytest.mark.long

NAME = "chain"
#: Data written with the oldest version.
KEPT = {"written-by": next(iter(KUBERNETES))}


def values(minor: str) -> dict[str, Any]:
    """The small platform's settings, with what the lab's machines need."""
    config = yaml.safe_load((PROJECT / "Pulumi.lab.yaml").read_text())["config"]
    kubernetes, mirrors = (config[f"openstack-paas:{key}"] for key in ("kubernetes", "mirrors"))
    return small(
        # The baked image has a newer Kubernetes than the first version of the chain.
        "debian-12",
        mirrors=mirrors,
        kubernetes={**kubernetes, "version": minor, "departing": "allowed"},
        database={"replicas": 0, "size": "1Gi", "memory": "384Mi", "bufferPool": "64Mi"},
    )


@pytest.fixture(scope="module")
def stack(empty_cloud: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The small stack, destroyed at the end no matter how far it got."""
    made = Stack(tmp_path_factory.mktemp(NAME), NAME)
    made.configure(values(next(iter(KUBERNETES))))
    made.select()
    yield made
    done = made.pulumi("destroy", "--yes", "--skip-preview", "--parallel", "32")
    assert done.returncode == 0, done.stdout + done.stderr


def set_version(stack: Stack, minor: str) -> None:
    """Set this version in the stack's file and keep what the engine wrote into it."""
    file = stack.folder / f"Pulumi.{NAME}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["openstack-paas:kubernetes"]["version"] = minor
    file.write_text(yaml.safe_dump(document))


def outputs(stack: Stack) -> Outputs:
    """The stack's outputs as ops reads them."""
    done = stack.pulumi("stack", "output", "--json", "--show-secrets")
    assert done.returncode == 0, done.stderr
    return parse(json.loads(done.stdout))


@pytest.mark.parametrize("minor", KUBERNETES)
def test_upgrade_to_each_minor_version(stack: Stack, minor: str) -> None:
    published = run("/usr/bin/python3", "-m", "dev.lab.mirror", "--kubernetes", minor, seconds=1400)
    assert published.status == 0, published.text
    set_version(stack, minor)
    done = stack.pulumi("up", "--yes", "--skip-preview", "--parallel", "32", seconds=900)
    assert done.returncode == 0, done.stdout + done.stderr
    api = client.CoreV1Api(Cluster(outputs(stack)).api_client())
    nodes = api.list_node().items
    assert {node.status.node_info.kubelet_version for node in nodes} == {f"v{KUBERNETES[minor].patch}"}
    assert not any(node.spec.unschedulable for node in nodes)
    ready = {condition.status for node in nodes for condition in node.status.conditions if condition.type == "Ready"}
    assert ready == {"True"}
    record(f"upgrade chain, Kubernetes {minor}", f"containerd {nodes[0].status.node_info.container_runtime_version}")
    if minor == KEPT["written-by"]:
        api.create_namespaced_config_map("default", {"metadata": {"name": NAME}, "data": KEPT})
    assert api.read_namespaced_config_map(NAME, "default").data == KEPT
