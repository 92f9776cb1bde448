"""Initialises the cluster if nobody has, or if nothing is left of it but its data in etcd.

It runs while this machine holds the init lock in etcd. Otherwise it does nothing, and the machine joins, without it.
"""

from typing import Final

from agent.etcd_lock import Lock
from agent.kubernetes.control_plane_state import ControlPlaneState
from agent.kubernetes.kube_proxy import point_kube_proxy
from agent.kubernetes.node import KUBELET_KUBECONFIG, Node
from agent.kubernetes_api import CLUSTER_INFO, ApiError
from agent.machine import Failed
from agent.system import files

#: Seconds that an API server may be away before its cluster is brought back from etcd.
API_SECONDS: Final = 60
#: What an init that was interrupted has left for kubeadm's checks to object to.
_LEFT_PORTS: Final = ("Port-10250", "Port-10257", "Port-10259")
_LEFT_FILES: Final = tuple(
    f"FileAvailable--etc-kubernetes-manifests-{part}.yaml"
    for part in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
)


class Initialise:
    """The first control plane of a cluster, or the first that comes back."""

    def __init__(self, node: Node, state: ControlPlaneState) -> None:
        self.node, self.state = node, state
        self.machine, self.wanted = node.machine, state.wanted
        self.behind_address = node.apis.anonymous(node.wanted.endpoint)
        self.local_server = f"https://127.0.0.1:{self.wanted.api_port}"

    def under(self, lock: Lock) -> None:
        """Does what is needed. Raises Failed when etcd does not answer, or has lost the cluster of this stack."""
        if not self.state.cluster_is_recorded():
            self._refuse_lost_cluster()
            self.machine.log("no cluster in etcd: initialising one")
            lock.check()
            self._initialise(local=True)
        elif self._api_comes_back():
            if self._init_is_half_done():
                lock.check()
                self._initialise(local=True)
            else:
                self.machine.log("the cluster exists and its API answers: joining it")
        elif living := self.state.living_api_servers():
            # The way to them is not ours to repair here, and they may be about to serve again.
            self.machine.log(
                f"API servers live at {', '.join(living)}, behind an address that does not answer: joining them"
            )
        else:
            self.machine.log(
                f"the cluster's data is in etcd, but no API server answered within {API_SECONDS} s: bringing it back"
            )
            local = self.state.proxies_find(self.local_server)
            lock.check()
            self._initialise(local)

    def _initialise(self, local: bool) -> None:
        """kubeadm's init is made of parts that are safe to repeat, on data that exists already too. Only its checks
        object to what an interrupted run left here. With `local`, kube-proxy finds the API on its own machine.
        """
        ignored: tuple[str, ...] = ()
        if files.read(self.machine.path(KUBELET_KUBECONFIG)) and self.state.node_is_recorded():
            self.machine.log("an init on this machine was interrupted: going on with it")
            self.machine.must("systemctl", "stop", "kubelet.service", seconds=100)
            ignored = (f"Port-{self.wanted.api_port}", *_LEFT_PORTS, *_LEFT_FILES)
        else:
            self.node.forget_half_join()
            # A reset removes the shared certificates with everything else.
            self.state.install_pki()
        words = ("init", "--skip-token-print", *self.node.kubeadm.flags(*ignored))
        self.node.kubeadm.run("kubeadm init", *words, configuration=self.wanted.init_configuration)
        if local:
            self._keep_proxies_local()
        self.node.mark_joined()

    def _refuse_lost_cluster(self) -> None:
        today = f"{self.machine.clock.now():%Y-%m-%d}"
        if self.wanted.had_cluster and self.wanted.start_empty != today:
            raise Failed(
                "etcd knows no cluster, and this stack has had one: its data is lost, or this is another etcd. Restore "
                "a snapshot (`python -m ops etcd restore`). Where all that it held may be given up, set "
                f"etcd.startEmpty to today's date (UTC): {today}"
            )

    def _init_is_half_done(self) -> bool:
        """Whether an interrupted init of this machine has left its API server: nobody else would open the way in."""
        if not files.read(self.machine.path(KUBELET_KUBECONFIG)) or self.state.living_api_servers():
            return False
        try:
            self.behind_address.ask("GET", CLUSTER_INFO)
        except ApiError as error:
            # Without its role (403) it is not there either. No answer says nothing.
            return error.status in (403, 404) and self.state.node_is_recorded()
        return False

    def _api_comes_back(self) -> bool:
        try:
            self.machine.retry_until(API_SECONDS, "an API server to answer", self.behind_address.is_ready)
        except Failed:
            return False
        return True

    def _keep_proxies_local(self) -> None:
        """kubeadm has just given kube-proxy the virtual address. Where no node can be without an API of its own (a new
        cluster; one whose nodes have had it), that need not wait for the end of all steps.
        """
        api = self.node.apis.admin(f"{self.wanted.address}:{self.wanted.api_port}")
        point_kube_proxy(self.machine, api, self.local_server)
