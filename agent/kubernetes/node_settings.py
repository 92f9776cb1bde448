"""The desired state of a node, and what it joins with."""

from dataclasses import dataclass, field
from typing import Final

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


@dataclass(frozen=True)
class NodeSettings:
    """The desired state of a node. `endpoint` is the API as this node finds it, host:port."""

    name: str
    role: str
    endpoint: str
    version: str
    #: The cluster's certificate authorities in PEM; the first one issues.
    authorities: str
    join_configuration: str
    bootstrap: Bootstrap = Bootstrap()
    #: Checks of kubeadm that do not count.
    ignored_checks: tuple[str, ...] = ()
    #: Folders in which local volumes lie.
    volume_folders: tuple[str, ...] = ()
