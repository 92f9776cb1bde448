"""Takes a node out of the cluster before its machine goes, unless that would lose data.

A control plane does it as the cluster's administrator (agent/kubernetes/cluster_commands.py).
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from agent.kubernetes.drain import DrainSettings, NotDrained, cordon, drain
from agent.kubernetes_api import ApiError, KubernetesApi, Object, is_ready, items, node_path
from agent.machine import Failed, Machine, NotYet

#: By which people say that the volumes on a node may be lost: `kubectl annotate node NAME openstack-paas/volumes=lose`.
VOLUMES: Final = "openstack-paas/volumes"
#: Seconds to wait for others that leave in the same run: dozens of them, with drains of a minute.
TURN_SECONDS: Final = 3600


@dataclass(frozen=True)
class Departure:
    """A node that leaves for good, or before its machine is replaced."""

    node: str
    drain_seconds: float
    bare_pods: str = "refuse"
    data: Literal["", "kept", "lose"] = ""
    """Where the machine is replaced: `kept`, its volumes come back with it; `lose`, the stack file gives them up."""


class _Leave:
    def __init__(self, machine: Machine, api: KubernetesApi, departure: Departure) -> None:
        self.machine, self.api, self.departure, self.node = machine, api, departure, departure.node

    def run(self) -> None:
        found = self._find_node()
        self._keep_volumes(found)
        if found is None:
            self.machine.log(f"the cluster has no node {self.node}")
        elif is_ready(found):
            cordon(self.api, self.node)
            with self._turn():
                self._free()
                # There was nothing before; a pod that came in the same moment may have brought a volume.
                self._keep_volumes(found)
                self._remove(found)
        else:
            self.machine.log("the node is not Ready: its machine is lost, no pod is waited for")
            self._remove(found)

    def _asked(self, method: str, path: str, what: str, body: object = None) -> Object | None:
        """An answer, or None where there is no such thing; anything else ends the run."""
        try:
            return self.api.ask(method, path, body)
        except ApiError as error:
            if error.status == 404:
                return None
            raise Failed(f"cannot {what} at {self.api.endpoint}: {error}") from error

    def _find_node(self) -> Object | None:
        return self._asked("GET", node_path(self.node), f"read the node {self.node}")

    def _find_volumes(self) -> list[str]:
        """What lies on this node alone and somebody has a claim on, or has kept after the claim."""
        claims = self._asked("GET", "/api/v1/persistentvolumeclaims", "list claims")
        volumes = self._asked("GET", "/api/v1/persistentvolumes", "list volumes")
        if claims is None or volumes is None:
            raise Failed(f"the API at {self.api.endpoint} knows no volumes or claims: {self.node} may hold data")
        # A claim that is being deleted has been given up.
        metadata = [claim["metadata"] for claim in items(claims)]
        uids = {one["uid"] for one in metadata if not one.get("deletionTimestamp")}
        return sorted(
            _named(volume)
            for volume in items(volumes)
            if _is_only_on(volume, self.node) and (_claim(volume).get("uid") in uids or _is_kept(volume))
        )

    def _keep_volumes(self, found: Object | None) -> None:
        """Raises Failed where the machine's disk holds data that would be lost."""
        if self.departure.data == "kept":
            return
        listed = ", ".join(self._find_volumes())
        if not listed:
            return
        if self.departure.data == "lose":
            self.machine.log(f"going on though data is lost, as rollout.loseVolumes says: {listed}")
        elif found and (found["metadata"].get("annotations") or {}).get(VOLUMES) == "lose":
            self.machine.log(f"going on though data is lost, as {VOLUMES}=lose on the node says: {listed}")
        else:
            raise Failed(
                f"the disk of {self.node} holds data that is nowhere else: {listed}. The machine stays as it is. Move "
                f"the data, or delete each claim that may begin empty elsewhere (kubectl cordon {self.node}; "
                "kubectl -n NAMESPACE delete pvc CLAIM --wait=false; delete its pod), or give all of it up "
                f"(kubectl annotate node {self.node} {VOLUMES}=lose); then run `up` again (docs/scaling.md)"
            )

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Nodes that leave in one run do so one after another: pods of the second find the first one's elsewhere."""
        path = self.machine.path(f"/run/lock/openstack-paas-leave-{os.getuid()}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:

            def take() -> None:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise NotYet("other nodes are still leaving; run `up` again") from None

            self.machine.retry_until(TURN_SECONDS, f"the turn of {self.node} to leave", take)
            yield

    def _free(self) -> None:
        """Pods leave as long as the machine answers; one that is lost meanwhile is waited for no longer."""
        settings = DrainSettings(self.departure.drain_seconds, self.departure.bare_pods, for_good=True)
        try:
            drain(self.machine, self.api, self.node, settings)
        except NotDrained as failure:
            found = self._find_node()
            if found and is_ready(found):
                raise Failed(
                    f"{failure}. The machine stays, cordoned (kubectl uncordon {self.node} takes that back), and "
                    "the next `up` goes on"
                ) from failure
            self.machine.log("the machine has been lost meanwhile")

    def _remove(self, found: Object) -> None:
        """Only the object that was looked at: a machine of that name may have joined meanwhile."""
        options = {"preconditions": {"uid": found["metadata"]["uid"]}}
        self._asked("DELETE", node_path(self.node), f"delete the node {self.node}", options)
        self.machine.log(f"the node {self.node} is gone")


def leave(machine: Machine, api: KubernetesApi, departure: Departure) -> None:
    """The node is gone from the cluster afterwards, or Failed says what holds it."""
    _Leave(machine, api, departure).run()


def _claim(volume: Object) -> Object:
    return volume["spec"].get("claimRef") or {}


def _named(volume: Object) -> str:
    claim = _claim(volume)
    return f"{claim.get('namespace')}/{claim.get('name')} (volume {volume['metadata']['name']})"


def _is_kept(volume: Object) -> bool:
    policy = volume["spec"].get("persistentVolumeReclaimPolicy")
    return policy == "Retain" and (volume.get("status") or {}).get("phase") == "Released"


def _is_only_on(volume: Object, node: str) -> bool:
    required = (volume["spec"].get("nodeAffinity") or {}).get("required") or {}
    terms = required.get("nodeSelectorTerms") or []
    return bool(terms) and all(_names_only(term, node) for term in terms)


def _names_only(term: Object, node: str) -> bool:
    only = {"operator": "In", "values": [node]}
    by_label = {"key": "kubernetes.io/hostname"} | only in (term.get("matchExpressions") or [])
    return by_label or {"key": "metadata.name"} | only in (term.get("matchFields") or [])
