"""The authorities that a node trusts, and its pods with it.

They change in stages (docs/rotation.md), and no stage begins before all nodes have gone through the previous one: each
records its own in an annotation.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.kubernetes.cluster_authorities import (
    ANNOTATION,
    CONTROL_PLANES,
    guard_cluster,
    list_nodes,
    nodes_without,
    recorded,
)
from agent.kubernetes.drain import MIRROR, evict
from agent.kubernetes.rollout import GATE_SECONDS, own_pods_are_ready
from agent.kubernetes_api import KubernetesApi, Object, items, pods_path, probing
from agent.machine import Machine, NotYet
from agent.system.certificates import digests, refuse_skipped_stage

#: Where Kubernetes publishes the cluster's authorities, in each namespace.
PUBLISHED: Final = "kube-root-ca.crt"
#: Seconds: a controller-manager takes up to a minute to read a new file, and then writes to each namespace.
PUBLISH_SECONDS: Final = 150


@dataclass(frozen=True)
class AuthoritySettings:
    """What a node is to trust."""

    node: str
    authorities: str
    """In PEM, the one that issues first."""
    generation: str
    """The name of the one that issues, as the settings have it."""
    drain_seconds: float
    """How long a pod may take to leave."""


class NodeAuthorities:
    """Guards a stage of the rotation, brings pods to the wanted authorities, and records both.

    `node` of the methods is any node; this machine's where it is empty.
    """

    def __init__(
        self,
        machine: Machine,
        settings: AuthoritySettings,
        had_joined: bool,
        api: KubernetesApi,
        admin: Callable[[], KubernetesApi] | None = None,
    ) -> None:
        """`had_joined`: the node has joined before this run. `api` is asked as the node itself.

        `admin`, on control planes only, is asked about other nodes.
        """
        self.machine, self.settings, self.had_joined = machine, settings, had_joined
        self.api, self.admin = api, admin
        self.wanted = tuple(digests(settings.authorities))

    def guard_authorities(self) -> None:
        """Before any file changes: this node has gone through the stage before. Raises Failed.

        A control plane also looks at the other nodes.
        """
        path = self.machine.path("/etc/kubernetes/pki/ca.crt")
        now = digests(path.read_text(encoding="utf-8")) if self.had_joined and path.exists() else ()
        if not now or now == self.wanted:
            return
        refuse_skipped_stage(now, self.wanted, self.settings.generation)
        if self.admin:
            guard_cluster(self.admin(), now, self.wanted, self.settings.generation)

    def follow_authorities(self) -> None:
        """Afterwards the pods of this node know what is wanted; other nodes may rely on it."""
        if self.pods_lag():
            self.annotate_authorities()
            self.renew_pods()
        self._annotate(self.settings.node, self.wanted)

    def follow_together(self) -> None:
        """Pods are given the authorities by whichever controller-manager leads: only once all control planes have the
        same, the last of them restarts the pods on all of them.
        """
        self.annotate_authorities()
        nodes = list_nodes(self._asks("another"), CONTROL_PLANES)
        lagging = nodes_without(nodes, lambda record: set(record.get("trusted") or []) == set(self.wanted))
        if lagging:
            self.machine.log(f"pods follow when all control planes trust the same; still to come: {lagging}")
            return
        for name in (node["metadata"]["name"] for node in nodes):
            if self.pods_lag(name):
                self.renew_pods(name)
            # Of another node's record only what its pods know changes.
            self._write(name, recorded(self._asks(name).read_node(name)) | {"pods": list(self.wanted)})

    def _asks(self, node: str) -> KubernetesApi:
        """Who may ask about a node."""
        return self.api if node == self.settings.node or self.admin is None else self.admin()

    def annotate_authorities(self, node: str = "") -> None:
        """Records what the node has; what is recorded of its pods stays."""
        node = node or self.settings.node
        self._annotate(node, recorded(self._asks(node).read_node(node)).get("pods") or [])

    def _annotate(self, node: str, pods: Sequence[str]) -> None:
        self._write(node, {"issuing": self.wanted[0], "trusted": list(self.wanted), "pods": list(pods)})

    def _write(self, node: str, record: Object) -> None:
        text = json.dumps(record, separators=(",", ":"))
        self._asks(node).patch_node(node, {"metadata": {"annotations": {ANNOTATION: text}}})

    def pods_lag(self, node: str = "") -> bool:
        """Whether its pods may know less than what is wanted.

        A node without a record has trusted one authority since it was made.
        """
        node = node or self.settings.node
        known = recorded(self._asks(node).read_node(node)).get("pods") or []
        if not known and len(self.wanted) == 1:
            return False
        return not set(self.wanted) <= set(known)

    def renew_pods(self, node: str = "") -> None:
        """Restarts its stale pods, one after another; nothing is cordoned, so they may come back here."""
        node = node or self.settings.node
        stale = self.find_stale(node)
        for namespace, name, uid in stale:
            self.machine.log(f"pod {namespace}/{name} has read the previous authorities: restarting it")
            self._wait_until_gone(node, namespace, name, uid)
        if stale:
            what = f"the pods of the node {node} itself to be ready"
            self.machine.retry_until(GATE_SECONDS, what, lambda: own_pods_are_ready(self._asks(node), node))

    def _wait_until_gone(self, node: str, namespace: str, name: str, uid: str) -> None:
        what = f"the pod {namespace}/{name} to leave"
        self.machine.retry_until(
            self.settings.drain_seconds, what, lambda: self._pod_is_gone(node, namespace, name, uid)
        )

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
        what = f"the cluster's controller-manager to publish the authorities in {namespace}"
        return self.machine.retry_until(PUBLISH_SECONDS, what, lambda: self._look_at_published(node, namespace))

    def _look_at_published(self, node: str, namespace: str) -> str:
        """Since when the pods of the namespace are given what is wanted."""
        with probing():
            published = self._asks(node).request("GET", f"/api/v1/namespaces/{namespace}/configmaps/{PUBLISHED}")
        seen = tuple(digests((published.get("data") or {}).get("ca.crt") or ""))
        if seen != self.wanted:
            raise NotYet(f"{PUBLISHED} of {namespace} has {' '.join(seen)}, wanted {' '.join(self.wanted)}")
        fields = published["metadata"].get("managedFields") or []
        return max((one.get("time") or "" for one in fields if "f:data" in (one.get("fieldsV1") or {})), default="")

    def _pod_is_gone(self, node: str, namespace: str, name: str, uid: str) -> None:
        """Raises NotYet while the pod is there, and asks it to leave, as far as its budget lets it.

        It looks through all pods of the node: of a pod that is gone, a node may not even ask.
        """
        with probing():
            pods = items(self._asks(node).request("GET", pods_path(node)))
        found = [pod for pod in pods if pod["metadata"]["uid"] == uid]
        if not found:
            return
        held = "" if found[0]["metadata"].get("deletionTimestamp") else evict(self._asks(node), namespace, name, uid)
        raise NotYet(f"{namespace}/{name} is there" + (f", {held}" if held else ""))


def _reader(pod: Object) -> tuple[str, str, str, str] | None:
    """Namespace, name, uid and start of a pod whose containers are given the cluster's authorities.

    They read them when they start. Containers that only prepare a pod have read them and are gone.
    """
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
