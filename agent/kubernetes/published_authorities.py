"""What a control plane tells others about the authorities that it trusts: etcd's members, and machines that join."""

from functools import partial

from agent.kubernetes.control_plane_state import ControlPlaneState
from agent.kubernetes.kubeconfig import embed, embeds
from agent.kubernetes.node_settings import KUBERNETES
from agent.kubernetes_api import CLUSTER_INFO, CONTROL_PLANES, KubernetesApi, failing, name_of
from agent.system.certificates import issuer_first

#: For etcd's members: which of etcd's authorities each API server runs with, by the name of its machine.
RECORDS = "openstack-paas/authorities/api/"


def record_in_etcd(state: ControlPlaneState) -> None:
    """Records the authorities of etcd that this API server trusts, the one of its own certificate first."""
    pki = state.machine.path(f"{KUBERNETES}/pki")
    trusted = issuer_first(state.machine, pki / "apiserver-etcd-client.crt", pki / "etcd/ca.crt")
    key, value = f"{RECORDS}{state.wanted.name}", f"{trusted[0]} {' '.join(trusted)}"
    state.ask("that it has recorded which authorities this API server trusts", lambda: state.etcd.put(key, value))


def forget_gone(state: ControlPlaneState, api: KubernetesApi) -> None:
    """Removes what former control planes have recorded. `api` asks as the administrator."""
    present = {f"{RECORDS}{name_of(node)}" for node in api.nodes(CONTROL_PLANES)}
    for key in state.ask("what control planes have recorded", lambda: state.etcd.keys(RECORDS)):
        if key not in present:
            state.ask(f"that {key} is gone", partial(state.etcd.delete, key))
            state.machine.log(f"removed the record of {key.removeprefix(RECORDS)}, which is gone")


def publish(state: ControlPlaneState, api: KubernetesApi) -> None:
    """The cluster publishes the authorities that are trusted: machines of people's own join by that. Raises Failed."""
    where = "(configmap cluster-info in kube-public)"
    with failing(f"cannot read what the cluster publishes at {api.endpoint} {where}"):
        published = str((api.ask("GET", CLUSTER_INFO).get("data") or {}).get("kubeconfig") or "")
    if embeds(published, state.wanted.authorities):
        return
    new = embed(published, state.wanted.authorities).rstrip("\n") + "\n"
    with failing(f"the API at {api.endpoint} does not publish the authorities {where}"):
        api.ask("PATCH", CLUSTER_INFO, {"data": {"kubeconfig": new}})
    state.machine.log("the cluster publishes what is trusted now")
