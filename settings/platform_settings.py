"""Everything that a stack file may say: one section for each key."""

from typing import Literal

from settings.addons import AddonSettings
from settings.backups import BackupSettings
from settings.certificates import CertificateSettings
from settings.database import DatabaseSettings, StorageSettings
from settings.kubernetes import ApiSettings, KubernetesSettings
from settings.machines import ControlPlaneSettings, EtcdSettings, GatewaySettings, MachineSettings, WorkerPools
from settings.maintenance import MaintenanceSettings, ProtectionSettings, RolloutSettings
from settings.mirrors import MirrorSettings, ProxySettings
from settings.model import Name, Section
from settings.network import AccessSettings, NetworkSettings, TimeSettings
from settings.versions import KUBERNETES, Minor, minor


class PlatformSettings(Section):
    """What a stack asks for, every default filled in."""

    preset: Literal["education", "dev", "production"] = "dev"
    """Defaults by purpose: education, dev or production. Every other key overrides them."""
    cluster_name: Name = ""
    """Prefix of every name in OpenStack and of the nodes. Empty: the stack's name."""
    preflight: Literal["required", "optional"] = "required"
    """Whether a preview fails or only warns when the cloud cannot be reached. `pulumi up` always needs the cloud."""
    network: NetworkSettings = NetworkSettings()
    """External network, public VIP, DNS servers, and the address ranges of edge, machines, pods and services."""
    access: AccessSettings = AccessSettings()
    """SSH user of the images, and who may reach SSH, the API and ingress from outside."""
    api: ApiSettings = ApiSettings()
    """What balances the Kubernetes API, and the API's names."""
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
    """Version, CNI, and overrides for kubelet and kube-proxy."""
    storage: StorageSettings = StorageSettings()
    """The local-path provisioner: StorageClass and folders on the nodes."""
    database: DatabaseSettings = DatabaseSettings()
    """MariaDB: replicas, size, memory."""
    addons: AddonSettings = AddonSettings()
    """Chart, version and values of each Helm release."""
    certificates: CertificateSettings = CertificateSettings()
    """How long certificates are valid, when they are renewed, and by which authorities."""
    protection: ProtectionSettings = ProtectionSettings()
    """What must not be removed or replaced until that is allowed."""
    rollout: RolloutSettings = RolloutSettings()
    """How running machines are changed: time limits, pods without a controller, replacements."""
    maintenance: MaintenanceSettings = MaintenanceSettings()
    """Versions of Debian's packages on the machines, and when they are upgraded."""
    backups: BackupSettings = BackupSettings()
    """How often backups are taken, how many are kept, where copies go, and how they are encrypted."""
    mirrors: MirrorSettings = MirrorSettings()
    """Mirrors of packages, images, charts and files, for a closed site."""
    proxy: ProxySettings = ProxySettings()
    """HTTP proxies of the machines."""
    time: TimeSettings = TimeSettings()
    """Time servers of the machines."""

    @property
    def roles(self) -> dict[str, MachineSettings]:
        """What the machines of each role or pool share, by its key in the stack file; pools as they stand there."""
        pools = {f"workers.{name}": pool for name, pool in self.workers.items()}
        return {"gateways": self.gateways, "etcd": self.etcd, "controlPlanes": self.control_planes, **pools}

    @property
    def etcd_version(self) -> str:
        """Version of etcd: its own setting, or the one that the minor version of Kubernetes brings."""
        return self.etcd.version or self.brought.etcd

    @property
    def brought(self) -> Minor:
        """What the minor version of Kubernetes brings."""
        return KUBERNETES[minor(self.kubernetes.version)]
