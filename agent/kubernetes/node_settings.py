"""The desired state of a node, whatever its role."""

from dataclasses import dataclass, field
from typing import Final

from agent.kubernetes.containerd import ContainerdSettings
from agent.kubernetes.drain import DrainSettings

KUBERNETES: Final = "/etc/kubernetes"
ADMIN_KUBECONFIG: Final = f"{KUBERNETES}/admin.conf"
#: Where the kubeconfig to join with and its files are, by role: the configuration of kubeadm has the path.
BOOTSTRAP_FOLDER: Final = "/opt/openstack-paas/{role}"


@dataclass(frozen=True)
class Bootstrap:
    """What a machine joins with, in PEM. It ends two days after the machine was made."""

    kubeconfig: str = field(default="", repr=False)
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """The desired state of a node."""

    name: str
    role: str
    #: The API as this node finds it, host:port.
    endpoint: str
    version: str
    join_configuration: str
    bootstrap: Bootstrap = Bootstrap()
    #: Checks of kubeadm that do not count.
    ignored_checks: tuple[str, ...] = ()
    #: The cluster's certificate authorities in PEM; the first one issues, and is of this generation.
    authorities: str
    generation: str
    #: A word; with another one than before, every certificate is renewed once.
    epoch: str = ""
    #: Certificates that end within so many seconds are renewed.
    renewal_seconds: int = 0
    #: Whether pods leave before a change: a lone node has nobody who would take them.
    drained: bool
    drain: DrainSettings
    #: As key=value, and key=value:Effect or key:Effect.
    labels: tuple[str, ...] = ()
    taints: tuple[str, ...] = ()
    #: The settings of all kubelets, as text: only whether it changes counts here.
    kubelet_configuration: str
    containerd: ContainerdSettings
