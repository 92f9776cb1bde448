"""Takes a node's pods off it by eviction, as `kubectl drain` does.

It needs no right that a kubelet does not have for its own node: a node may cordon itself, and list and evict its own
pods. (kubectl drain also reads DaemonSets and pods that are gone, which a node may not.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.kubernetes_api import ApiError, KubernetesApi, Object
from agent.machine import NEXT_WORD_SECONDS, WORD_SECONDS, Failed, Machine

#: Seconds between two looks at the pods that have to leave.
INTERVAL_SECONDS: Final = 1.0
#: A pod that the machine runs by itself, as the kubelet shows it to the API.
MIRROR: Final = "kubernetes.io/config.mirror"


class NotDrained(Failed):
    """The node still has pods that had to leave."""


@dataclass(frozen=True)
class DrainSettings:
    """How pods may leave."""

    seconds: float
    """After which the drain is given up."""
    bare_pods: str = "refuse"
    """`delete`: pods go that nothing would create again."""
    for_good: bool = False
    """The machine is not among the settings any more, so messages name no setting."""


@dataclass(frozen=True, order=True)
class Pod:
    """A pod that has to leave. Those with claims sort last: if they can come back only here, they are away for less."""

    has_claim: bool
    namespace: str
    name: str
    uid: str
    owner: str
    """The kind of what creates it again, "" for nothing."""
    is_ending: bool

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def cordon(api: KubernetesApi, node: str) -> None:
    """No new pods come to the node."""
    api.patch_node(node, {"spec": {"unschedulable": True}})


def uncordon(api: KubernetesApi, node: str) -> None:
    """New pods may come to the node."""
    api.patch_node(node, {"spec": {"unschedulable": None}})


def _leaving(pod: Object) -> Pod | None:
    """None for a pod of a DaemonSet, of the machine itself, or that has ended."""
    metadata = pod["metadata"]
    owners = [owner["kind"] for owner in metadata.get("ownerReferences") or [] if owner.get("controller")]
    owner = owners[0] if owners else ""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    if MIRROR in (metadata.get("annotations") or {}) or ended or owner == "DaemonSet":
        return None
    claims = [volume for volume in (pod.get("spec") or {}).get("volumes") or [] if volume.get("persistentVolumeClaim")]
    ending = bool(metadata.get("deletionTimestamp"))
    return Pod(bool(claims), metadata["namespace"], metadata["name"], metadata["uid"], owner, ending)


def evict(api: KubernetesApi, namespace: str, name: str, uid: str) -> str:
    """Asks a pod to leave, once. "" when it leaves or has left, otherwise what holds it."""
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"namespace": namespace, "name": name},
        # A pod that has come back under its name is another one.
        "deleteOptions": {"preconditions": {"uid": uid}},
    }
    try:
        api.request("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body)
    except ApiError as error:
        return "" if error.status in (404, 409) else f"{namespace}/{name}: {error}"
    return ""


def _refuse_bare_pods(node: str, pods: Sequence[Pod], settings: DrainSettings) -> None:
    """Unless the settings let them go. Raises NotDrained before any other pod has left."""
    bare = ", ".join(str(pod) for pod in pods if not pod.owner)
    if bare and settings.bare_pods == "refuse":
        way = "" if settings.for_good else ", or set rollout.barePods to delete,"
        raise NotDrained(
            f"nothing would create these pods of the node {node} again: {bare}. Delete them{way} and run this again"
        )


def drain(machine: Machine, api: KubernetesApi, node: str, settings: DrainSettings) -> None:
    """Returns when no pod is left but those of DaemonSets and of the machine itself. Raises NotDrained."""
    began = machine.clock.monotonic()
    next_word = float(WORD_SECONDS)
    pods = _listed(api, node)
    _refuse_bare_pods(node, pods, settings)
    machine.log(f"{len(pods)} pods have to leave")
    held = ""
    for with_claims in (False, True):
        # Budgets may hold pods for long; `settings.seconds` bounds this.
        while asked := [pod for pod in pods if with_claims or not pod.has_claim]:
            refusals = [evict(api, pod.namespace, pod.name, pod.uid) for pod in asked if not pod.is_ending]
            held = next((refusal for refusal in reversed(refusals) if refusal), "")
            waits_for = " ".join(map(str, asked))
            passed = machine.clock.monotonic() - began
            if passed >= settings.seconds:
                raise NotDrained(_not_free(node, waits_for, held, settings))
            if passed >= next_word:
                refused = f"; refused: {held}" if held else ""
                machine.log(f"waiting for {waits_for} to leave ({passed:.0f} s){refused}")
                next_word += NEXT_WORD_SECONDS
            machine.clock.sleep(INTERVAL_SECONDS)
            pods = _listed(api, node)
    machine.log(f"free of pods after {machine.clock.monotonic() - began:.0f} s")


def _listed(api: KubernetesApi, node: str) -> list[Pod]:
    try:
        return sorted(pod for pod in map(_leaving, api.pods_on(node)) if pod)
    except Failed as failure:
        raise NotDrained(str(failure)) from failure


def _not_free(node: str, waits_for: str, held: str, settings: DrainSettings) -> str:
    refusal = f" The last refusal: {held}." if held else ""
    way = "" if settings.for_good else ", or raise rollout.drainSeconds"
    return (
        f"the node {node} is not free after {settings.seconds:.0f} s: {waits_for} did not leave.{refusal} "
        f"Repair or scale up what the budget protects{way}; then run this again"
    )
