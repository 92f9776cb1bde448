"""What all nodes have recorded about the authorities that they trust, and what a control plane refuses by that."""

import json
from collections.abc import Callable, Sequence
from typing import Final

from agent.kubernetes_api import KubernetesApi, Object, failing, items
from agent.machine import Failed

#: On each node: `issuing`, `trusted`, and `pods`, the digests that its pods know.
ANNOTATION: Final = "openstack-paas/authorities"
NODES: Final = "/api/v1/nodes"
CONTROL_PLANES: Final = f"{NODES}?labelSelector=node-role.kubernetes.io%2Fcontrol-plane"


def recorded(node: Object) -> Object:
    """What a node's annotation says; nothing where nobody can read it."""
    text = (node["metadata"].get("annotations") or {}).get(ANNOTATION) or "{}"
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def list_nodes(api: KubernetesApi, path: str = NODES) -> list[Object]:
    """Nodes of the cluster. Raises Failed."""
    with failing(f"cannot list the nodes at {api.endpoint}"):
        return items(api.ask("GET", path))


def nodes_without(nodes: Sequence[Object], is_met: Callable[[Object], bool]) -> str:
    """Names of the nodes whose record does not meet the condition."""
    return ", ".join(node["metadata"]["name"] for node in nodes if not is_met(recorded(node)))


def guard_cluster(api: KubernetesApi, now: Sequence[str], wanted: Sequence[str], generation: str) -> None:
    """Before another authority issues, every pod of every node must know it; before one goes, nobody may have a
    certificate of it. Raises Failed.

    `now` and `wanted` are digests, the authority that issues first.
    """
    nodes = list_nodes(api)
    if now[0] != wanted[0]:
        lagging = nodes_without(nodes, lambda record: wanted[0] in (record.get("pods") or []))
        if lagging:
            raise Failed(
                f"not everything trusts the authorities of generation {generation} yet, which are to issue: {lagging}. "
                "An `up` with certificates.authorities.issuing as before has to end well first"
            )
    if set(now) - set(wanted):
        lagging = nodes_without(nodes, lambda record: record.get("issuing") in wanted)
        if lagging:
            raise Failed(
                f"there are certificates of authorities that are not to be trusted any more on: {lagging}. An `up` "
                "that changes nothing but certificates.authorities.issuing has to end well first"
            )
