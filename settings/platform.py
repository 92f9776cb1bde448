"""The whole configuration of a stack, and the checks that look across sections."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from settings import addresses
from settings.database import DatabaseSettings, StorageSettings
from settings.kubernetes import KubernetesSettings
from settings.machines import ControlPlaneSettings, EtcdSettings, GatewaySettings, WorkerPools
from settings.mirrors import MirrorSettings, ProxySettings
from settings.model import Section
from settings.network import AccessSettings, NetworkSettings


class PlatformSettings(Section):
    """What a stack asks for, every default filled in."""

    preset: Literal["education", "dev", "production"] = "dev"
    cluster_name: str = Field("", pattern=r"^([a-z]([a-z0-9-]{0,18}[a-z0-9])?)?$")
    network: NetworkSettings = NetworkSettings()
    access: AccessSettings = AccessSettings()
    gateways: GatewaySettings = GatewaySettings()
    etcd: EtcdSettings = EtcdSettings()
    control_planes: ControlPlaneSettings = ControlPlaneSettings()
    workers: WorkerPools = {}
    kubernetes: KubernetesSettings = KubernetesSettings()
    storage: StorageSettings = StorageSettings()
    database: DatabaseSettings = DatabaseSettings()
    mirrors: MirrorSettings = MirrorSettings()
    proxy: ProxySettings = ProxySettings()

    @model_validator(mode="after")
    def _fits_together(self) -> PlatformSettings:
        problems = []
        try:
            plan = addresses.plan(self, self.cluster_name or "x")
        except addresses.AddressError as error:
            problems.append(str(error))
        else:
            if self.database.enabled and not plan.workers and not self.control_planes.schedulable:
                problems.append(
                    "workers: no machine may run pods, but database.enabled is true; "
                    "add a worker pool or set controlPlanes.schedulable"
                )
        if self.preset == "production" and self.control_planes.count % 2 == 0:
            problems.append(
                f"controlPlanes.count {self.control_planes.count}: an even number tolerates no more loss "
                f"than {self.control_planes.count - 1}; use 3 or 5"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


class Platform(Section):
    """Checked settings with the cluster's name and address plan."""

    model_config = Section.model_config | {"arbitrary_types_allowed": True}

    settings: PlatformSettings
    cluster: str
    addresses: addresses.AddressPlan
