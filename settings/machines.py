"""Machines by role: their number, flavor, image, zones and volume."""

from typing import Annotated, Literal

from pydantic import Field

from settings.model import NO_BOOLEAN, Address, CloudName, Key, Name, Quantity, Section, Whole, text
from settings.versions import Architecture

LabelValue = Annotated[
    str,
    text(
        r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$",
        "must be at most 63 letters, digits, dots, dashes and underscores, a letter or digit first and last",
        "choose another value",
    ),
]
Taint = Annotated[
    str,
    text(
        r"^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$",
        "must be key=value:Effect or key:Effect, with the effect NoSchedule, PreferNoSchedule or NoExecute",
        "write it as dedicated=database:NoSchedule",
    ),
]
Digest = Annotated[
    str,
    text(r"^[0-9a-f]{64}$", "must be a SHA-256 as 64 digits of 0-9 and a-f", "copy it from SHA256SUMS of the release"),
]

Day = Annotated[
    str,
    text(
        r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$",
        "must be a day as year, month and day",
        'write it in quotes, such as "2026-11-29"',
    ),
]

#: Largest number of gateways: their addresses are one aligned block of four (see settings.plan).
MOST_GATEWAYS = 4
#: Offset of the first worker's address in `network.private`.
FIRST_WORKER = 32


class VolumeSettings(Section):
    """A volume of the cloud's block storage, attached to one machine. It outlives the machine, but not the stack."""

    size_gib: Whole = Field(ge=1, le=16384)
    """Size in GiB."""
    type: str = ""
    """Volume type. Empty: the cloud's default."""


class MachineSettings(Section):
    """What the machines of a role share."""

    flavor: CloudName = "m1.medium"
    """Name of the flavor."""
    image: CloudName = "debian-12"
    """Name of the image. It must have cloud-init, systemd and apt."""
    availability_zones: tuple[str, ...] = ()
    """Zones over which the role's machines are spread, by their keys. Empty: the cloud's default zone."""
    spread: Literal["preferred", "required"] = "preferred"
    """Whether machines of the role must, or only should, run on different hosts (nova's hard or soft anti-affinity).

    With `required`, a lost machine cannot come back while too few hosts are left.
    """


class GatewaySettings(MachineSettings):
    """The gateways: the only way in and out. With two or more, the VIP fails over."""

    flavor: CloudName = "m1.small"
    """Name of the flavor."""
    count: Whole = Field(2, ge=1, le=MOST_GATEWAYS)
    """How many gateways."""
    advert_interval_seconds: float = Field(0.7, ge=0.2, le=10)
    """VRRP advertisement interval. A lost gateway is noticed after three of them (RFC 9568, section 6.1)."""
    client_timeout_seconds: Whole = Field(3600, ge=10, le=86400)
    """How long haproxy keeps a connection to the API or the ingress that is silent. Watches are silent for long."""
    edge_addresses: tuple[Address, ...] = ()
    """One address for each gateway in `network.edge`. Empty: the plan chooses them.

    Needed with `network.publicVip: provider-network`.
    """


class EtcdSettings(MachineSettings):
    """The external etcd, on its own machines."""

    count: Whole = Field(3, ge=1, le=7)
    """How many members. It must be odd."""
    version: str = ""
    """Version of etcd, 3.6.x or 3.7.x. Empty: the one that comes with `kubernetes.version`.

    A running stack keeps its own until one of the two changes. Upgrades go one minor version at a time, one member
    after another.
    """
    sha256: dict[Architecture, Digest] = {}
    """SHA-256 of the release archive by architecture (amd64, arm64), instead of the one that the program knows.

    Needed for a version that is not in settings/versions.py: see SHA256SUMS of that release.
    """
    heartbeat_milliseconds: Whole = Field(100, ge=50, le=5000)
    """How often the leader sends a heartbeat."""
    election_milliseconds: Whole = Field(1000, ge=500, le=50000)
    """How long a follower waits for one: 5 to 50 heartbeats (https://etcd.io/docs/v3.6/tuning/#time-parameters)."""
    quota: Quantity = "2Gi"
    """Largest size of the database. At this size etcd refuses writes.

    8Gi at most (https://etcd.io/docs/v3.6/dev-guide/limit/).
    """
    volume: VolumeSettings | None = None
    """A volume for each member's data. Empty: the machine's own disk."""
    start_empty: Day = ""
    """Today's date (UTC), such as "2026-11-29": an empty etcd may take the place of one whose data is lost.

    Everything that the Kubernetes API knew is given up, and kubelets end all pods. It holds for that day only.
    """


class ControlPlaneSettings(MachineSettings):
    """The control planes: API server, scheduler and controller-manager."""

    count: Whole = Field(3, ge=1, le=9)
    """How many control planes. In production it must be odd."""
    schedulable: bool = False
    """Whether ordinary pods may run on control planes."""


class WorkerPoolSettings(MachineSettings):
    """One worker pool. Each machine has a key: `count` gives the keys 0, 1, ..., `machines` names them one by one."""

    flavor: CloudName = "m1.large"
    """Name of the flavor."""
    count: Annotated[int, Field(ge=0, le=5000), NO_BOOLEAN] | None = None
    """How many machines. Their keys are 0 to count - 1."""
    machines: dict[Key, Annotated[int, Field(ge=0), NO_BOOLEAN]] | None = None
    """Instead of `count`: each machine's key with its place in the pool, from 0.

    The place gives the address, so removing one machine moves no other.
    """
    labels: dict[str, LabelValue] = {}
    """Labels of the nodes."""
    taints: tuple[Taint, ...] = ()
    """Taints of the nodes, as key=value:Effect."""
    first_address: Annotated[int, Field(ge=FIRST_WORKER), NO_BOOLEAN] | None = None
    """Offset of the pool's first address in `network.private`.

    One pool may leave it out, and starts at 32. Every other pool sets its own.
    """
    max_unavailable: Whole = Field(1, ge=1, le=500)
    """How many of the pool's machines may be unavailable at a time during a change."""
    volume: VolumeSettings | None = None
    """A volume on each machine for the pods' local volumes (`storage.workerPath`). Empty: the machine's own disk."""

    @property
    def places(self) -> dict[str, int]:
        """Each machine's key with its place in the pool."""
        if self.machines is not None:
            return dict(self.machines)
        return {str(i): i for i in range(self.count or 0)}

    @property
    def offset(self) -> int:
        """Offset of the first place in `network.private`."""
        return self.first_address or FIRST_WORKER


WorkerPools = dict[Name, WorkerPoolSettings]
