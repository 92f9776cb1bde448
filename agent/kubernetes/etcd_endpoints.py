"""The members of etcd in the cluster's own record and in this machine's API server.

kubeadm writes them into the manifest when it makes a control plane, and never again. A lock in etcd is given back when
the API server serves again, so that one of them is away at a time.
"""

import re

from agent.etcd_lock import Lock
from agent.kubernetes.api_server import MANIFEST, ApiServer
from agent.kubernetes.control_plane_state import API_SERVER_LOCK, ControlPlaneState
from agent.kubernetes.kubeadm import Kubeadm


def follow_etcd_endpoints(state: ControlPlaneState, kubeadm: Kubeadm, server: ApiServer) -> None:
    """Gives this machine's API server the members that are wanted."""
    machine, configuration = state.machine, state.wanted.init_configuration
    wanted = ",".join(state.wanted.etcd_endpoints)
    known = re.search(r"^ *- --etcd-servers=(.*)$", machine.path(MANIFEST).read_text(), re.MULTILINE)
    now = known[1].strip() if known else ""
    if now == wanted:
        return
    machine.log(f"the API server knows etcd at {now}: giving it {wanted}, one control plane at a time")

    def change(lock: Lock) -> None:
        machine.unit = "kubelet.service"
        kubeadm.record(configuration)
        old = server.process()
        lock.check()
        phase = ("init", "phase", "control-plane", "apiserver")
        kubeadm.run("the API server's manifest", *phase, configuration=configuration)
        if old is not None:
            server.await_end(old)
        pattern = rf"kube-apiserver .*--etcd-servers={re.escape(wanted)}( |$)"
        server.await_service(pattern, f"with etcd at {wanted}")

    state.locked(API_SERVER_LOCK, change)
