"""Every version that is installed on a machine or deployed into the cluster, in this one file.

Plain constants and nothing to import, so that the lab's mirror can read it with any Python 3.11.
Source of a pair of versions that belong together: kubeadm's constants of that Kubernetes release
(`kubeadm config images list --kubernetes-version vX`), the charts' own appVersion otherwise.
"""

from typing import Final, NamedTuple


class KubernetesRelease(NamedTuple):
    """What one Kubernetes release brings along, as kubeadm's constants name it."""

    version: str
    coredns: str
    pause: str
    etcd: str
    """Version of etcd for external members; the stacked image has the suffix of kubeadm's constants."""


#: Releases proven on the lab, by full version.
KUBERNETES: Final[dict[str, KubernetesRelease]] = {
    "1.34.2": KubernetesRelease(version="1.34.2", coredns="v1.12.1", pause="3.10.1", etcd="3.6.5"),
    "1.35.0": KubernetesRelease(version="1.35.0", coredns="v1.13.1", pause="3.10.1", etcd="3.6.6"),
}
DEFAULT_KUBERNETES: Final = "1.35.0"

#: Versions of etcd that `etcd.version` may name, oldest first.
ETCD: Final = ("3.6.5", "3.6.6")

#: CNI plugins (package kubernetes-cni on machines).
CNI_PLUGINS: Final = "1.8.0"

#: SHA-256 of etcd's release archives for linux-amd64, by version (SHA256SUMS of each release); empty where unknown.
ETCD_ARCHIVE_SHA256: Final[dict[str, str]] = {}

#: Helm charts and the images they run.
FLANNEL: Final = "v0.28.4"
CALICO: Final = "v3.31.7"
LOCAL_PATH_PROVISIONER: Final = "0.0.30"
BUSYBOX: Final = "1.35"
MARIADB: Final = "10.11"
