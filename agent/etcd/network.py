"""The ways from a member to its cluster, with the certificates of its machine."""

from typing import Final

from agent import etcd_api
from agent.etcd_api import Etcd, EtcdError, Member, PortState, Tls
from agent.machine import Machine

PKI: Final = "/etc/etcd/pki"
CLIENT_PORT: Final = 2379
PEER_PORT: Final = 2380


class Network:
    """The ways from this machine to the members."""

    def __init__(self, machine: Machine) -> None:
        """The certificates are read at each connection: the run itself may bring new ones."""
        pki = machine.path(PKI)
        self._client = Tls(pki / "ca.crt", pki / "client.crt", pki / "client.key")
        self._peer = Tls(pki / "ca.crt", pki / "peer.crt", pki / "peer.key")

    def api(self, *endpoints: str) -> Etcd:
        """etcd's API at these client URLs, in their order: the first that answers."""
        return Etcd(endpoints, self._client)

    def peer_members(self, address: str) -> tuple[Member, ...]:
        """The members as that peer knows them, also without a leader. Raises EtcdError."""
        return etcd_api.peer_members(address, self._peer)

    def port_state(self, address: str, port: int) -> PortState:
        """What becomes of a connection."""
        return etcd_api.port_state(address, port)


def is_healthy(api: Etcd) -> bool:
    """Whether it answers with a majority behind it."""
    try:
        api.check_health()
    except EtcdError:
        return False
    return True


def leads(api: Etcd) -> bool:
    """Whether the member there is the leader; no when it does not answer."""
    try:
        status = api.status()
    except EtcdError:
        return False
    return status.member_id != 0 and status.member_id == status.leader


def is_full(error: EtcdError) -> bool:
    """Whether etcd refused because of the alarm NOSPACE. It takes no puts and no leases then, and so gives no lock."""
    return "database space exceeded" in str(error)
