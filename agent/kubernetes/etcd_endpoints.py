"""The members of etcd in the cluster's own record and in this machine's API server.

kubeadm writes them into the manifest when it makes a control plane, and never again. A lock in etcd is given back when
the API server serves again, so that one of them is away at a time.
"""

import re

from agent.etcd_lock import Lock
from agent.kubernetes.api_server import MANIFEST, ApiServer
from agent.kubernetes.control_plane_state import API_SERVER_LOCK, ControlPlaneState
from agent.kubernetes.kubeadm import Kubeadm
from agent.kubernetes.static_pods import record_configuration


class EtcdEndpoints:
    """Which members of etcd this machine's API server knows."""

    def __init__(self, state: ControlPlaneState, kubeadm: Kubeadm, server: ApiServer) -> None:
        """Nothing is looked at yet."""
        self.state, self.kubeadm, self.server = state, kubeadm, server
        self.machine = state.machine
        self.wanted = ",".join(state.wanted.etcd_endpoints)

    def follow(self) -> None:
        """Gives it the members that are wanted."""
        known = re.search(
            r"^ *- --etcd-servers=(.*)$", self.machine.path(MANIFEST).read_text(), re.MULTILINE
        )  # fmt: skip
        now = known[1].strip() if known else ""
        if now == self.wanted:
            return
        self.machine.log(f"the API server knows etcd at {now}: giving it {self.wanted}, one control plane at a time")
        self.state.locked(API_SERVER_LOCK, self._change)

    def _change(self, lock: Lock) -> None:
        self.machine.unit = "kubelet.service"
        record_configuration(self.kubeadm, self.state.wanted.init_configuration)
        old = self.server.process()
        lock.check()
        self.kubeadm.run(
            "the API server's manifest", "init", "phase", "control-plane", "apiserver",
            configuration=self.state.wanted.init_configuration,
        )  # fmt: skip
        if old is not None:
            self.server.await_end(old)
        pattern = rf"kube-apiserver .*--etcd-servers={re.escape(self.wanted)}( |$)"
        self.server.await_service(pattern, f"with etcd at {self.wanted}")
