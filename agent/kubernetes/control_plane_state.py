"""What a control plane asks etcd about: whether there is a cluster, and whether it knows this node.

That nobody answers never means that there is nothing: kubeadm's init or reset would run over a cluster that lives.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from agent.etcd_api import Etcd, EtcdError, LockLost
from agent.etcd_lock import Lock
from agent.kubernetes.api_server import MANIFEST
from agent.kubernetes.node import has_joined
from agent.kubernetes.node_settings import KUBERNETES, NodeSettings
from agent.machine import Failed, Machine, NotYet
from agent.system import certificates, files

Value = TypeVar("Value")

INIT_LOCK: Final = "openstack-paas/init"
API_SERVER_LOCK: Final = "openstack-paas/api-server"
#: Seconds to wait for a lock: an init, or three API servers one after another, take less.
LOCK_SECONDS: Final = 420
#: Seconds for which a question is repeated: an election of etcd takes some.
ASK_SECONDS: Final = 60
_CLUSTER: Final = "/registry/configmaps/kube-system/kubeadm-config"
_KUBE_PROXY: Final = "/registry/configmaps/kube-system/kube-proxy"
#: Where each API server that lives writes its address, for 15 s at a time (Kubernetes' lease reconciler).
_API_SERVERS: Final = "/registry/masterleases/"


@dataclass(frozen=True)
class Pki:
    """Certificates and keys of a control plane in PEM, beside the cluster's authorities."""

    front_proxy_ca: str
    service_account: str
    etcd_ca: str
    etcd_client: str
    ca_key: str = field(repr=False)
    front_proxy_ca_key: str = field(repr=False)
    service_account_key: str = field(repr=False)
    etcd_client_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ControlPlaneSettings(NodeSettings):
    """The desired state of a control plane, with etcd on machines of its own."""

    pki: Pki
    address: str
    api_port: int
    #: As in https://10.0.0.4:2379.
    etcd_endpoints: tuple[str, ...]
    #: kubeadm's configuration of the cluster and of this machine.
    init_configuration: str
    #: All names and addresses in the API server's certificate.
    api_names: tuple[str, ...]
    #: The controller-manager's arguments for signing.
    signing: tuple[str, ...] = ()
    #: This stack has had a cluster, so an etcd that knows none has lost it.
    had_cluster: bool = False
    #: The day (UTC) on which a cluster may begin with nothing all the same, as in 2026-11-29.
    start_empty: str = ""
    #: The platform's own objects of the cluster, as documents in YAML.
    objects: tuple[str, ...] = ()


class ControlPlaneState:
    """This machine's own files, and what etcd knows of the cluster."""

    def __init__(self, machine: Machine, wanted: ControlPlaneSettings, etcd: Etcd) -> None:
        """`etcd` is asked by the certificate that install_pki brings."""
        self.machine, self.wanted, self.etcd = machine, wanted, etcd

    def install_pki(self) -> None:
        """What all control planes share. Not every reader takes more than one certificate; the first one issues."""
        pki, authorities = self.wanted.pki, self.wanted.authorities
        contents = {
            "issuing-ca.crt": certificates.split(authorities)[0],
            "ca.crt": authorities,
            "front-proxy-ca.crt": pki.front_proxy_ca,
            "sa.pub": pki.service_account,
            "etcd/ca.crt": pki.etcd_ca,
            "apiserver-etcd-client.crt": pki.etcd_client,
            "ca.key": pki.ca_key,
            "front-proxy-ca.key": pki.front_proxy_ca_key,
            "sa.key": pki.service_account_key,
            "apiserver-etcd-client.key": pki.etcd_client_key,
        }
        for name, content in contents.items():
            mode = 0o600 if name.endswith(".key") else 0o644
            files.install(self.machine, content, f"{KUBERNETES}/pki/{name}", mode)

    def is_complete(self) -> bool:
        """Whether this machine has been made a control plane, in this life of its disk."""
        return has_joined(self.machine) and files.read(self.machine.path(MANIFEST)) != ""

    def wait_for_etcd(self) -> None:
        """Until etcd answers with a majority."""
        endpoints = ",".join(self.wanted.etcd_endpoints)
        self._ask(240, f"etcd at {endpoints} to answer with a majority", lambda: self.etcd.get("/openstack-paas"))

    def cluster_is_recorded(self) -> bool:
        """Whether kubeadm has left its configuration in the cluster, so that an init has come that far."""
        return self._has(_CLUSTER)

    def node_is_recorded(self) -> bool:
        """Whether the kubelet of this name has registered."""
        return self._has(f"/registry/minions/{self.wanted.name}")

    def proxies_find(self, server: str) -> bool:
        """Whether kube-proxy knows the API at this server, as etcd has it; for when no API answers."""
        value = self.ask("how kube-proxy finds the API", lambda: self.etcd.get(_KUBE_PROXY))
        return value is not None and f"server: {server}".encode() in value

    def living_api_servers(self) -> tuple[str, ...]:
        """Addresses of the other API servers that have written to etcd in the last seconds."""
        found = self.ask("which API servers live", lambda: self.etcd.keys(_API_SERVERS))
        addresses = (key.removeprefix(_API_SERVERS) for key in found)
        return tuple(address for address in addresses if address != self.wanted.address)

    def ask(self, what: str, question: Callable[[], Value]) -> Value:
        """etcd's answer. Asks again for a minute; raises Failed when there is none."""
        return self._ask(ASK_SECONDS, f"etcd to say {what}", question)

    def _has(self, key: str) -> bool:
        return self.ask(f"whether there is {key}", lambda: self.etcd.get(key)) is not None

    def _ask(self, seconds: float, what: str, question: Callable[[], Value]) -> Value:
        def probe() -> Value:
            try:
                return question()
            except EtcdError as error:
                raise NotYet(str(error)) from None

        return self.machine.retry_until(seconds, what, probe)

    def locked(self, name: str, action: Callable[[Lock], None]) -> None:
        """Acts under a lock in etcd, which `action` checks before it changes anything. Raises Failed without it."""
        try:
            with self.etcd.lock(name, LOCK_SECONDS) as lock:
                action(lock)
        except LockLost as error:
            raise Failed(f"{error}: this run has stopped; run it again") from None
        except EtcdError as error:
            raise Failed(f"the lock {name} in etcd was not to be had: {error}") from None
