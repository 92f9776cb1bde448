"""The API by who asks: nobody, this machine's kubelet, a machine that joins, an administrator of a control plane."""

from pathlib import Path

from agent.kubernetes import kubeconfig
from agent.kubernetes.node_settings import ADMIN_KUBECONFIG, BOOTSTRAP_FOLDER
from agent.kubernetes.rollout import KUBELET_CERTIFICATE
from agent.kubernetes_api import KubernetesApi
from agent.machine import Failed, Machine
from agent.system import files


class MachineApis:
    """For one run. `folder` is for root alone, in memory, and lives as long as the run: Machine.work_folder().

    All trust the authorities that are wanted, not those that were here before.
    """

    def __init__(self, machine: Machine, folder: Path, role: str, endpoint: str, authorities: str) -> None:
        """`endpoint` is the API as this node finds it, host:port; `authorities` are in PEM."""
        self.machine, self.folder, self.endpoint = machine, folder, endpoint
        self._bootstrap = machine.path(BOOTSTRAP_FOLDER.format(role=role))
        self._ca = folder / "ca.crt"
        files.write(self._ca, authorities)

    def anonymous(self, endpoint: str) -> KubernetesApi:
        """As nobody, at any endpoint."""
        return KubernetesApi(endpoint, self.machine.clock, self._ca)

    def kubelet(self) -> KubernetesApi:
        """As this machine's kubelet."""
        return self._as(self.endpoint, self.machine.path(KUBELET_CERTIFICATE))

    def joining(self) -> KubernetesApi:
        """As a machine that joins: Node.bring_bootstrap has put the certificate there."""
        return self._as(self.endpoint, self._bootstrap / "bootstrap.crt", self._bootstrap / "bootstrap.key")

    def admin(self, endpoint: str = "") -> KubernetesApi:
        """As the administrator of this control plane, by the certificate in its kubeconfig. Raises Failed."""
        text = files.read(self.machine.path(ADMIN_KUBECONFIG))
        pair = kubeconfig.pair(text)
        if not all(pair):
            raise Failed(f"{ADMIN_KUBECONFIG} has no certificate and key")
        file = self.folder / "admin.pem"
        files.write(file, "".join(pair), 0o600)
        server = kubeconfig.field(text, "server").removeprefix("https://")
        return self._as(endpoint or server, file)

    def _as(self, endpoint: str, *identity: Path) -> KubernetesApi:
        return KubernetesApi(endpoint, self.machine.clock, self._ca, *identity)
