"""The authorities that a node trusts, and its pods with it.

They change in stages (docs/rotation.md), and no stage begins before all nodes have gone through the previous one: each
records its own in an annotation.
"""

from collections.abc import Callable, Sequence
from typing import Final

from agent.kubernetes.drain import MIRROR, evict
from agent.kubernetes.node import Node
from agent.kubernetes.rollout import GATE_SECONDS, own_pods_are_ready
from agent.kubernetes_api import CONTROL_PLANES, KubernetesApi, Object, annotated, items, name_of, pods_path, probing
from agent.machine import Failed, NotYet
from agent.system.certificates import digests, refuse_skipped_stage

#: On each node: `issuing`, `trusted`, and `pods`, the digests that its pods know.
ANNOTATION: Final = "openstack-paas/authorities"
#: Where Kubernetes publishes the cluster's authorities, in each namespace.
PUBLISHED: Final = "kube-root-ca.crt"
#: Seconds: a controller-manager takes up to a minute to read a new file, and then writes to each namespace.
PUBLISH_SECONDS: Final = 150


class NodeAuthorities:
    """Guards a stage of the rotation, brings pods to the wanted authorities, and records both."""

    def __init__(self, node: Node, admin: Callable[[], KubernetesApi] | None = None) -> None:
        """`admin`, on control planes only, is asked about other nodes."""
        self.machine, self.node, self.settings, self.admin = node.machine, node, node.wanted, admin
        self.name, self.wanted = node.wanted.name, digests(node.wanted.authorities)

    def guard_authorities(self) -> None:
        """Before any file changes: this node, and for a control plane all others, went through the stage before."""
        path = self.machine.path("/etc/kubernetes/pki/ca.crt")
        now = digests(path.read_text(encoding="utf-8")) if self.node.at_work and path.exists() else ()
        if now and now != self.wanted:
            refuse_skipped_stage(now, self.wanted, self.settings.generation)
            if self.admin:
                self._guard_cluster(self.admin().nodes(), now)

    def _guard_cluster(self, nodes: Sequence[Object], now: Sequence[str]) -> None:
        """Before another authority issues, every pod of every node must know it; before one goes, nobody may have a
        certificate of it.
        """
        wanted = self.wanted
        if now[0] != wanted[0]:
            lagging = _nodes_without(nodes, lambda record: wanted[0] in (record.get("pods") or []))
            if lagging:
                raise Failed(
                    f"not everything trusts the authorities of generation {self.settings.generation} yet, which are to "
                    f"issue: {lagging}. An `up` with certificates.authorities.issuing as before has to end well first"
                )
        if set(now) - set(wanted):
            lagging = _nodes_without(nodes, lambda record: record.get("issuing") in wanted)
            if lagging:
                raise Failed(
                    f"there are certificates of authorities that are not to be trusted any more on: {lagging}. An `up` "
                    "that changes nothing but certificates.authorities.issuing has to end well first"
                )

    def follow_authorities(self) -> None:
        """Afterwards the pods of this node know what is wanted; other nodes may rely on it."""
        if self.pods_lag():
            self._annotate_authorities()
            self._renew_pods(self.name)
        self._annotate(self.wanted)

    def follow_together(self) -> None:
        """The last control plane to trust the same restarts the pods on all: any of them may publish what pods read."""
        self._annotate_authorities()
        nodes = self._asks("another").nodes(CONTROL_PLANES)
        lagging = _nodes_without(nodes, lambda record: set(record.get("trusted") or []) == set(self.wanted))
        if lagging:
            self.machine.log(f"pods follow when all control planes trust the same; still to come: {lagging}")
            return
        for name in map(name_of, nodes):
            if self.pods_lag(name):
                self._renew_pods(name)
            # Of another node's record only what its pods know changes.
            self._asks(name).annotate_node(name, ANNOTATION, self._recorded(name) | {"pods": list(self.wanted)})

    def _asks(self, node: str) -> KubernetesApi:
        return self.admin() if self.admin and node != self.name else self.node.apis.kubelet()

    def _recorded(self, node: str) -> Object:
        return annotated(self._asks(node).read_node(node), ANNOTATION)

    def _annotate_authorities(self) -> None:
        """Records what this node has; what is recorded of its pods stays."""
        self._annotate(self._recorded(self.name).get("pods") or [])

    def _annotate(self, pods: Sequence[str]) -> None:
        record = {"issuing": self.wanted[0], "trusted": list(self.wanted), "pods": list(pods)}
        self._asks(self.name).annotate_node(self.name, ANNOTATION, record)

    def pods_lag(self, node: str = "") -> bool:
        """Whether pods of a node may know less than is wanted. Without a record it has always trusted one authority."""
        known = self._recorded(node or self.name).get("pods") or []
        return not set(self.wanted) <= set(known) and (bool(known) or len(self.wanted) > 1)

    def _renew_pods(self, node: str) -> None:
        """Restarts its stale pods, one after another; nothing is cordoned, so they may come back here."""
        retry_until = self.machine.retry_until
        for pod in (stale := self.find_stale(node)):
            named = "/".join(pod[:2])
            self.machine.log(f"pod {named} has read the previous authorities: restarting it")
            gone = self._gone(node, *pod)
            retry_until(self.settings.drain.seconds, f"the pod {named} to leave", gone)
        if stale:
            what = f"the pods of the node {node} itself to be ready"
            retry_until(GATE_SECONDS, what, lambda: own_pods_are_ready(self._asks(node), node))

    def find_stale(self, node: str) -> list[tuple[str, str, str]]:
        """Namespace, name and uid of its pods that have started before the authorities were published as wanted."""
        stale = []
        since: dict[str, str] = {}
        for namespace, name, uid, start in sorted(filter(None, map(_reader, self._asks(node).pods_on(node)))):
            if namespace not in since:
                since[namespace] = self._published(node, namespace)
            # Both are UTC in the same form. Without either, nobody knows what the pod has read.
            if not since[namespace] or start <= since[namespace]:
                stale.append((namespace, name, uid))
        return stale

    def _published(self, node: str, namespace: str) -> str:
        """Since when the pods of the namespace are given what is wanted."""

        def look() -> str:
            with probing():
                published = self._asks(node).request("GET", f"/api/v1/namespaces/{namespace}/configmaps/{PUBLISHED}")
            seen = digests((published.get("data") or {}).get("ca.crt") or "")
            if seen != self.wanted:
                raise NotYet(f"{PUBLISHED} of {namespace} has {' '.join(seen)}, wanted {' '.join(self.wanted)}")
            fields = published["metadata"].get("managedFields") or []
            return max((one.get("time") or "" for one in fields if "f:data" in (one.get("fieldsV1") or {})), default="")

        what = f"the cluster's controller-manager to publish the authorities in {namespace}"
        return self.machine.retry_until(PUBLISH_SECONDS, what, look)

    def _gone(self, node: str, namespace: str, name: str, uid: str) -> Callable[[], None]:
        """A probe that asks the pod to leave. It looks through all pods: of one that is gone, a node may not ask."""

        def look() -> None:
            with probing():
                pods = items(self._asks(node).request("GET", pods_path(node)))
            for pod in (pod["metadata"] for pod in pods if pod["metadata"]["uid"] == uid):
                held = "" if pod.get("deletionTimestamp") else evict(self._asks(node), namespace, name, uid)
                raise NotYet(f"{namespace}/{name} is there" + (f", {held}" if held else ""))

        return look


def _nodes_without(nodes: Sequence[Object], is_met: Callable[[Object], bool]) -> str:
    return ", ".join(name_of(node) for node in nodes if not is_met(annotated(node, ANNOTATION)))


def _reader(pod: Object) -> tuple[str, str, str, str] | None:
    """Namespace, name, uid and start of a pod with a container, not just a preparing one, that read the authorities."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    if MIRROR in (metadata.get("annotations") or {}) or metadata.get("deletionTimestamp"):
        return None
    if status.get("phase") not in ("Running", "Pending"):
        return None
    given = {volume.get("name") for volume in spec.get("volumes") or [] if _gives_authorities(volume)}
    mounts = [mount for container in spec.get("containers") or [] for mount in container.get("volumeMounts") or []]
    if not any(mount.get("name") in given for mount in mounts):
        return None
    return metadata["namespace"], metadata["name"], metadata["uid"], status.get("startTime") or ""


def _gives_authorities(volume: Object) -> bool:
    sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
    return any((source.get("configMap") or {}).get("name") == PUBLISHED for source in sources)
