"""Machines by role: how many, of which flavor and image."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from settings.model import Key, Name, Section

Label = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]
Taint = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$")
]

#: Largest number of gateways: their addresses are one aligned block of four (see settings.addresses).
MOST_GATEWAYS = 4


class MachineSettings(Section):
    """What the machines of a role share."""

    flavor: str = "m1.medium"
    image: str = "debian-12"
    availability_zone: str = ""
    """The cloud's default zone when empty."""
    spread: Literal["preferred", "required"] = "preferred"
    """Whether machines of the role must run on different hosts, or only should (nova's anti-affinity, hard or soft).

    Required, a lost machine cannot come back while too few hosts are left.
    """


class GatewaySettings(MachineSettings):
    """The gateways: the only way in and out. Two or more give a VIP that fails over."""

    flavor: str = "m1.small"
    count: int = Field(2, ge=1, le=MOST_GATEWAYS)
    advert_interval_seconds: float = Field(0.7, ge=0.2, le=10)
    """VRRP advertisement interval; a lost gateway is noticed after three of them (RFC 9568, section 6.1)."""


class EtcdSettings(MachineSettings):
    """The external etcd: its own machines under systemd."""

    count: int = Field(3, ge=1, le=7)
    heartbeat_milliseconds: int = Field(250, ge=50, le=5000)
    election_milliseconds: int = Field(2500, ge=500, le=50000)
    """Between 5 and 50 heartbeats (https://etcd.io/docs/v3.6/tuning/#time-parameters)."""

    @model_validator(mode="after")
    def _keeps_quorum(self) -> "EtcdSettings":
        if self.count % 2 == 0:
            raise ValueError(
                f"count {self.count} tolerates {(self.count - 1) // 2} lost members, no more than {self.count - 1} do: "
                "use an odd number (1, 3, 5 or 7)"
            )
        if not 5 * self.heartbeat_milliseconds <= self.election_milliseconds <= 50 * self.heartbeat_milliseconds:
            raise ValueError("electionMilliseconds must be 5 to 50 times heartbeatMilliseconds")
        return self


class ControlPlaneSettings(MachineSettings):
    """The control planes: API server, scheduler and controller-manager."""

    count: int = Field(3, ge=1, le=9)
    schedulable: bool = False
    """Whether ordinary pods may run on control planes."""


class WorkerPoolSettings(MachineSettings):
    """One worker pool. Machines are keyed: `count` stands for the keys 0, 1, ...; `keys` names them one by one."""

    flavor: str = "m1.large"
    count: int | None = Field(None, ge=0, le=5000)
    keys: tuple[Key, ...] | None = None
    labels: dict[str, Label] = {}
    taints: tuple[Taint, ...] = ()
    first_address: int | None = Field(None, ge=32)
    """Offset of the pool's first address in the private network; by the pool's position when empty."""

    @model_validator(mode="after")
    def _count_or_keys(self) -> "WorkerPoolSettings":
        if self.count is not None and self.keys is not None:
            raise ValueError("count and keys exclude each other: keep one")
        if self.keys is not None and len(set(self.keys)) != len(self.keys):
            raise ValueError("keys must differ from each other")
        return self

    @property
    def machine_keys(self) -> tuple[str, ...]:
        """The keys of the pool's machines."""
        return self.keys if self.keys is not None else tuple(str(i) for i in range(self.count or 0))


WorkerPools = dict[Name, WorkerPoolSettings]
