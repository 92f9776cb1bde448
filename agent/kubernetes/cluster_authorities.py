"""What a control plane asks about all nodes before and after a stage of the authorities' rotation."""

from collections.abc import Callable, Sequence

from agent.kubernetes.authorities import NodeAuthorities, recorded
from agent.kubernetes_api import KubernetesApi, Object, failing, items
from agent.machine import Failed, Machine

#: The label by which control planes are listed.
CONTROL_PLANES = "/api/v1/nodes?labelSelector=node-role.kubernetes.io%2Fcontrol-plane"


def list_nodes(api: KubernetesApi, path: str = "/api/v1/nodes") -> list[Object]:
    """Nodes of the cluster. Raises Failed."""
    with failing(f"cannot list the nodes at {api.endpoint}"):
        return items(api.ask("GET", path))


def _without(nodes: Sequence[Object], is_met: Callable[[Object], bool]) -> str:
    """Names of the nodes whose record does not meet the condition."""
    return ", ".join(node["metadata"]["name"] for node in nodes if not is_met(recorded(node)))


def guard_cluster(api: KubernetesApi, now: Sequence[str], wanted: Sequence[str], generation: str) -> None:
    """Before another authority issues, every pod of every node must know it; before one goes, nobody may have a
    certificate of it. Raises Failed."""
    nodes = list_nodes(api)
    if now[0] != wanted[0]:
        lagging = _without(nodes, lambda record: wanted[0] in (record.get("pods") or []))
        if lagging:
            raise Failed(
                f"not everything trusts the authorities of generation {generation} yet, which are to issue: {lagging}. "
                "An `up` with certificates.authorities.issuing as before has to end well first"
            )
    if set(now) - set(wanted):
        lagging = _without(nodes, lambda record: record.get("issuing") in wanted)
        if lagging:
            raise Failed(
                f"there are certificates of authorities that are not to be trusted any more on: {lagging}. An `up` "
                "that changes nothing but certificates.authorities.issuing has to end well first"
            )


def follow_together(machine: Machine, api: KubernetesApi, admin: NodeAuthorities) -> None:
    """Pods are given the authorities by whichever controller-manager leads: only once all control planes have the same,
    the last of them restarts the pods on all of them.

    `api` and `admin` ask as the administrator. This machine's node has been annotated before.
    """
    nodes = list_nodes(api, CONTROL_PLANES)
    lagging = _without(nodes, lambda record: set(record.get("trusted") or []) == set(admin.wanted))
    if lagging:
        machine.log(f"pods follow when all control planes trust the same; still to come: {lagging}")
        return
    for node in nodes:
        name = node["metadata"]["name"]
        if admin.pods_lag(name):
            admin.renew_pods(name)
        admin.annotate_pods(name)
