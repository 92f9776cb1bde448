"""The authorities that a node trusts, and its pods with it.

They change in stages (docs/rotation.md), and no stage begins before all nodes have gone through the previous one: each
records its own in an annotation.
"""

import json
from collections.abc import Callable, Sequence
from typing import Final

from agent.kubernetes.drain import MIRROR, evict
from agent.kubernetes.rollout import GATE_SECONDS, own_pods_are_ready
from agent.kubernetes_api import KubernetesApi, Object, items, pods_path, probing
from agent.machine import Machine, NotYet
from agent.system.certificates import digests, refuse_skipped_stage

ANNOTATION: Final = "openstack-paas/authorities"
#: Where Kubernetes publishes the cluster's authorities, in each namespace.
PUBLISHED: Final = "kube-root-ca.crt"
#: Seconds: a controller-manager takes up to a minute to read a new file, and then writes to each namespace.
PUBLISH_SECONDS: Final = 150


def guard(
    machine: Machine, wanted: str, generation: str, guard_cluster: Callable[[Sequence[str], Sequence[str]], None] | None
) -> None:
    """Before any file of a node changes that had joined before: it has gone through the stage before. Raises Failed.

    `wanted` is what is to be trusted, in PEM, with the authority that issues first. A control plane also looks at the
    other nodes: `guard_cluster` gets the digests that are trusted now, and the wanted ones.
    """
    path = machine.path("/etc/kubernetes/pki/ca.crt")
    now_pem = path.read_text(encoding="utf-8") if path.exists() else ""
    if not now_pem.strip():
        return
    now, new = digests(now_pem), digests(wanted)
    if now == new:
        return
    refuse_skipped_stage(now, new, generation)
    if guard_cluster:
        guard_cluster(now, new)


def recorded(node: Object) -> Object:
    """What a node's annotation says: `issuing`, `trusted`, and `pods`, the digests that its pods know."""
    text = (node["metadata"].get("annotations") or {}).get(ANNOTATION) or "{}"
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


class NodeAuthorities:
    """Brings the pods of nodes to the wanted authorities, and records it."""

    def __init__(self, machine: Machine, api: KubernetesApi, wanted: str, drain_seconds: float) -> None:
        """`wanted` in PEM, the authority that issues first. `drain_seconds` is how long a pod may take to leave.

        `api` is asked by a node about itself, or by a control plane about others.
        """
        self.machine, self.api = machine, api
        self.wanted = tuple(digests(wanted))
        self.drain_seconds = drain_seconds

    def follow(self, node: str) -> None:
        """Afterwards the pods of the node know what is wanted; other nodes may rely on it."""
        if self.pods_lag(node):
            self.annotate(node)
            self.renew_pods(node)
        self.annotate(node, self.wanted)

    def annotate(self, node: str, pods: Sequence[str] = ()) -> None:
        """Records what the node has, and what its pods know; without that, what is recorded of them stays."""
        known = list(pods) or recorded(self.api.read_node(node)).get("pods") or []
        self._write(node, {"issuing": self.wanted[0], "trusted": list(self.wanted), "pods": known})

    def annotate_pods(self, node: str) -> None:
        """Of another node's record only what its pods know changes."""
        self._write(node, recorded(self.api.read_node(node)) | {"pods": list(self.wanted)})

    def _write(self, node: str, record: Object) -> None:
        text = json.dumps(record, separators=(",", ":"))
        self.api.patch_node(node, {"metadata": {"annotations": {ANNOTATION: text}}})

    def pods_lag(self, node: str) -> bool:
        """Whether its pods may know less than what is wanted.

        A node without a record has trusted one authority since it was made.
        """
        known = recorded(self.api.read_node(node)).get("pods") or []
        if not known and len(self.wanted) == 1:
            return False
        return not set(self.wanted) <= set(known)

    def renew_pods(self, node: str) -> None:
        """Restarts its stale pods, one after another; nothing is cordoned, so they may come back here."""
        stale = self.find_stale(node)
        for namespace, name, uid in stale:
            self.machine.log(f"pod {namespace}/{name} has read the previous authorities: restarting it")
            self._wait_until_gone(node, namespace, name, uid)
        if stale:
            what = f"the pods of the node {node} itself to be ready"
            self.machine.retry_until(GATE_SECONDS, what, lambda: own_pods_are_ready(self.api, node))

    def _wait_until_gone(self, node: str, namespace: str, name: str, uid: str) -> None:
        what = f"the pod {namespace}/{name} to leave"
        self.machine.retry_until(self.drain_seconds, what, lambda: self._pod_is_gone(node, namespace, name, uid))

    def find_stale(self, node: str) -> list[tuple[str, str, str]]:
        """Namespace, name and uid of its pods that have started before the authorities were published as wanted."""
        stale = []
        since: dict[str, str] = {}
        for namespace, name, uid, start in sorted(filter(None, map(_reader, self.api.pods_on(node)))):
            if namespace not in since:
                since[namespace] = self._published(namespace)
            # Both are UTC in the same form. Without either, nobody knows what the pod has read.
            if not since[namespace] or start <= since[namespace]:
                stale.append((namespace, name, uid))
        return stale

    def _published(self, namespace: str) -> str:
        what = f"the cluster's controller-manager to publish the authorities in {namespace}"
        return self.machine.retry_until(PUBLISH_SECONDS, what, lambda: self._look_at_published(namespace))

    def _look_at_published(self, namespace: str) -> str:
        """Since when the pods of the namespace are given what is wanted."""
        with probing():
            published = self.api.request("GET", f"/api/v1/namespaces/{namespace}/configmaps/{PUBLISHED}")
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
            pods = items(self.api.request("GET", pods_path(node)))
        found = [pod for pod in pods if pod["metadata"]["uid"] == uid]
        if not found:
            return
        held = "" if found[0]["metadata"].get("deletionTimestamp") else evict(self.api, namespace, name, uid)
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
