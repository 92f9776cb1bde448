"""Everything that a stack file may say: one section a key."""

from __future__ import annotations

from typing import Literal

from settings.addons import AddonSettings
from settings.api import ApiSettings
from settings.backups import BackupSettings
from settings.certificates import CertificateSettings
from settings.database import DatabaseSettings, StorageSettings
from settings.kubernetes import KubernetesSettings
from settings.machines import ControlPlaneSettings, EtcdSettings, GatewaySettings, WorkerPools
from settings.maintenance import MaintenanceSettings
from settings.mirrors import MirrorSettings, ProxySettings
from settings.model import Name, Section
from settings.network import AccessSettings, NetworkSettings
from settings.protection import ProtectionSettings
from settings.rollout import RolloutSettings
from settings.versions import KUBERNETES, Minor, minor


class PlatformSettings(Section):
    """What a stack asks for, every default filled in."""

    preset: Literal["education", "dev", "production"] = "dev"
    """Defaults by purpose: education, dev or production. Every other key overrides them."""
    cluster_name: Name = ""
    """Prefix of every name in OpenStack and of the nodes; the stack's name when empty."""
    preflight: Literal["required", "optional"] = "required"
    """Whether a cloud that cannot be asked ends a preview, or is only a warning there. `pulumi up` always needs it."""
    network: NetworkSettings = NetworkSettings()
    """External network, public VIP, address ranges of edge, machines, pods and services, DNS servers."""
    access: AccessSettings = AccessSettings()
    """SSH user of the images and who may reach SSH, the API and ingress from outside."""
    api: ApiSettings = ApiSettings()
    """Who balances the Kubernetes API, and its names."""
    gateways: GatewaySettings = GatewaySettings()
    """Count, flavor and image of the gateways."""
    etcd: EtcdSettings = EtcdSettings()
    """Members, flavor, image, volumes and timers of the external etcd."""
    control_planes: ControlPlaneSettings = ControlPlaneSettings()
    """Count, flavor and image of the control planes, and whether they run pods."""
    workers: WorkerPools = {}
    """Worker pools by name: count or machines, flavor, image, labels, taints, volumes.

    Named pools replace the preset's pool `general`.
    """
    kubernetes: KubernetesSettings = KubernetesSettings()
    """Version, CNI, feature overrides of kubelet and kube-proxy."""
    storage: StorageSettings = StorageSettings()
    """local-path provisioner: StorageClass and the folders on the nodes."""
    database: DatabaseSettings = DatabaseSettings()
    """MariaDB: replicas, size, memory."""
    addons: AddonSettings = AddonSettings()
    """Chart, version and values of each Helm release."""
    certificates: CertificateSettings = CertificateSettings()
    """How long certificates live, when they are made anew, and by which authorities."""
    protection: ProtectionSettings = ProtectionSettings()
    """What may not be removed or replaced until that is lifted."""
    rollout: RolloutSettings = RolloutSettings()
    """How machines that are at work are changed: time limits, pods that nobody makes anew."""
    maintenance: MaintenanceSettings = MaintenanceSettings()
    """Versions of Debian's packages on the machines, and when they are renewed."""
    backups: BackupSettings = BackupSettings()
    """How often etcd is backed up, how many backups stay, where copies go, and for whom they are encrypted."""
    mirrors: MirrorSettings = MirrorSettings()
    """Where packages, images, charts and files come from, for a closed site."""
    proxy: ProxySettings = ProxySettings()
    """HTTP proxies of the machines."""

    @property
    def etcd_version(self) -> str:
        """Version of etcd: its own setting, or the one that the minor version of Kubernetes brings."""
        return self.etcd.version or self.brought.etcd

    @property
    def brought(self) -> Minor:
        """What the minor version of Kubernetes brings."""
        return KUBERNETES[minor(self.kubernetes.version)]
