"""What a member of etcd knows of itself and of its peers.

No member is privileged. Each decides by what its peers say, for all may be created at the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeVar

from agent.etcd.network import PEER_PORT, Network, endpoint, is_healthy
from agent.etcd_api import Etcd, EtcdError, Member, PortState
from agent.machine import Machine, NotYet
from agent.system import services

Value = TypeVar("Value")

UNIT: Final = "etcd.service"
UNIT_FILE: Final = "/etc/systemd/system/etcd.service"
DATA: Final = "/var/lib/etcd"


@dataclass(frozen=True)
class Place:
    """A member as the settings name it."""

    name: str
    address: str

    @property
    def client_url(self) -> str:
        """Where clients reach it."""
        return endpoint(self.address)

    @property
    def peer_url(self) -> str:
        """Where its peers reach it, which is what the cluster knows it by."""
        return f"https://{self.address}:{PEER_PORT}"


@dataclass(frozen=True)
class MemberSettings:
    """The desired state of one member."""

    name: str
    members: tuple[Place, ...]  # All, this one too.
    token: str  # The cluster's, ETCD_INITIAL_CLUSTER_TOKEN.
    control_planes: tuple[str, ...]  # Addresses of all places for control planes.
    had_cluster: bool  # Whether the program knows of an etcd of this stack that was there before this machine.
    #: The day (YYYY-MM-DD, UTC) on which an empty etcd may take the place of one that this stack has had.
    start_empty: str = ""

    @property
    def own(self) -> Place:
        """This member."""
        return next(place for place in self.members if place.name == self.name)

    @property
    def peers(self) -> tuple[Place, ...]:
        """All members but this one."""
        return tuple(place for place in self.members if place.name != self.name)


class Says(Enum):
    """What a peer is."""

    SILENT = "silent"  # Nothing answers: the machine may be off.
    IDLE = "idle"  # The machine is on, and no etcd runs.
    STARTING = "starting"  # etcd listens and does not answer yet.
    FORMING = "forming"  # A member of a new cluster; none of its members has started before.
    CLUSTER = "cluster"  # A member of a cluster that has a leader.
    BROKEN = "broken"  # A member of a cluster that has no leader.


@dataclass(frozen=True)
class Peers:
    """What every peer has been found to be."""

    says: dict[Place, Says] = field(default_factory=dict)

    def first(self, kind: Says) -> Place | None:
        """The first peer of that kind."""
        return next((place for place, says in self.says.items() if says is kind), None)

    def know_of_none(self) -> bool:
        """Whether there is no cluster for sure: a new one forms, or every peer is there without an etcd.

        A majority would not do: it may be made of new machines, and the silent one be the whole former cluster.
        """
        return self.first(Says.FORMING) is not None or all(says is Says.IDLE for says in self.says.values())

    def __str__(self) -> str:
        seen = sorted((place.name, says.value) for place, says in self.says.items())
        return ", ".join(f"{name} {says}" for name, says in seen) or "there are no peers"


def mark_of(token: str) -> str:
    """The file that says: this machine was a member of the cluster with this token, as part of a majority.

    Data that is gone afterwards is a loss, not a start.
    """
    return f"/var/lib/openstack-paas/etcd-{token}"


def has_data(machine: Machine) -> bool:
    """Whether there is a log of etcd, without which it would start empty."""
    return any(machine.path(f"{DATA}/member/wal").glob("*.wal"))


class ThisMember:
    """The member of this machine, and its ways to the others."""

    def __init__(self, machine: Machine, settings: MemberSettings, network: Network) -> None:
        self.machine, self.settings, self.network = machine, settings, network
        self.own = settings.own
        self.data = machine.path(DATA)
        self.mark = machine.path(mark_of(settings.token))
        #: etcd's API at this member alone.
        self.api = network.api(self.own.client_url)
        #: And at the first of the others that can help: a learner, or one without a leader, does not.
        self.others = network.api(*(peer.client_url for peer in settings.peers))

    def retry_until(self, seconds: float, what: str, probe: Callable[[], Value]) -> Value:
        """As the machine's. What etcd refuses, or does not answer, is asked again, too."""

        def ask() -> Value:
            try:
                return probe()
            except EtcdError as error:
                raise NotYet(str(error)) from None

        return self.machine.retry_until(seconds, what, ask)

    def has_data(self) -> bool:
        """Whether there is a log of etcd, without which it would start empty."""
        return has_data(self.machine)

    def is_active(self) -> bool:
        """Whether systemd has the unit as active: it has been ready since it was started."""
        return services.is_active(self.machine, UNIT)

    def own_entry(self, api: Etcd) -> Member | None:
        """This machine in the list of a living cluster."""
        return next((member for member in api.members() if self.own.peer_url in member.peer_urls), None)

    def voters(self) -> list[Member]:
        """Those that have started: a member has a name then. Raises EtcdError."""
        return [member for member in self.api.members() if member.name and not member.is_learner]

    def check_works(self) -> None:
        """Raises NotYet unless this member answers with a majority behind it.

        A learner does not, and is made a voter on the way, as soon as the others find that it has caught up.
        """
        try:
            self.api.check_health()
        except EtcdError as error:
            raise NotYet(f"{error}\n{self._promote()}".strip()) from None

    def _promote(self) -> str:
        """What the others say to the wish to vote; nothing where it is none, or nobody can say."""
        try:
            entry = self.own_entry(self.others)
        except EtcdError:
            return ""
        if entry is None or not entry.is_learner:
            return ""
        try:
            self.others.promote(entry.id)
        except EtcdError as error:
            return str(error)
        return "it has become a voter"

    def ask_peers(self) -> Peers:
        """What every peer is."""
        return Peers({peer: self._ask(peer) for peer in self.settings.peers})

    def _ask(self, peer: Place) -> Says:
        port = self.network.port_state(peer.address, PEER_PORT)
        if port is not PortState.OPEN:
            return Says.IDLE if port is PortState.REFUSED else Says.SILENT
        try:
            members = self.network.peer_members(peer.address)
        except EtcdError:
            return Says.STARTING
        # A member publishes its client address once it has been part of a majority.
        if not any(member.client_urls for member in members):
            return Says.FORMING
        return Says.CLUSTER if is_healthy(self.network.api(peer.client_url)) else Says.BROKEN
