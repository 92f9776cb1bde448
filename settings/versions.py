"""Every version that is installed on a machine or deployed into the cluster, in this one file.

Plain constants without imports of the project, so that the policy pack and the mirrors' builder can read it with any
Python 3.11.
"""

from datetime import date
from typing import Final, Literal, NamedTuple


class Minor(NamedTuple):
    """What comes with a minor version of Kubernetes."""

    patch: str
    """The newest patch that was tested: what `kubernetes.version: "1.36"` stands for."""
    coredns: str
    pause: str
    cni_plugins: str
    """Package kubernetes-cni on machines."""
    etcd: str
    """The version of etcd that comes with it."""
    containerd: str
    """The oldest containerd that its kubelet works with, as major.minor."""
    end_of_life: date
    """The last day of support."""


#: By minor version, oldest first. Where the values are from, in the sources of each `patch`:
#: coredns, pause: cmd/kubeadm/app/constants/constants.go; kubeadm deploys its own CoreDNS, whatever is written here.
#: cni_plugins: build/dependencies.yaml, which is what pkgs.k8s.io has with that minor version.
#: containerd: getCgroupDriverFromCRI in cmd/kubelet/app/server.go; up to 1.37 a kubelet does without the RuntimeConfig
#: that containerd has since 2.0, and says so.
#: etcd: ours; kubeadm wants 3.5.24 or newer of members outside, in all four.
#: end_of_life: https://kubernetes.io/releases/.
KUBERNETES: Final[dict[str, Minor]] = {
    # Its platforms have plugins that are newer than its own (1.7.1).
    "1.34": Minor("1.34.2", "v1.12.1", "3.10.1", "1.8.0", "3.6.14", "1.6", date(2026, 10, 27)),
    "1.35": Minor("1.35.8", "v1.13.1", "3.10.1", "1.8.0", "3.6.14", "1.6", date(2027, 2, 28)),
    "1.36": Minor("1.36.5", "v1.14.2", "3.10.2", "1.9.1", "3.6.14", "1.6", date(2027, 6, 28)),
    "1.37": Minor("1.37.2", "v1.14.6", "3.10.2", "1.9.1", "3.6.14", "1.6", date(2027, 10, 28)),
}
DEFAULT_KUBERNETES: Final = "1.36"
#: Minor versions that this program only upgrades from: no new platform starts with them.
DEPARTING: Final = ("1.34",)
#: The source of the ends of life, for people.
RELEASES: Final = "https://kubernetes.io/releases/"
#: A minor version is warned about this many days before its end: time for one or two upgrades with their tests.
END_OF_LIFE_NOTICE_DAYS: Final = 60

#: A machine's architecture, as Debian and etcd's archives call it.
Architecture = Literal["amd64", "arm64"]
#: Minor versions of etcd that the platform works with, oldest first.
ETCD_MINORS: Final = ("3.6", "3.7")
#: SHA-256 of etcd's release archives (etcd-vVERSION-linux-ARCHITECTURE.tar.gz), oldest version first: SHA256SUMS of
#: each release at https://github.com/etcd-io/etcd/releases. A version that is not here needs `etcd.sha256`.
_ETCD_ARCHIVES: Final[tuple[tuple[str, Architecture, str], ...]] = (
    ("3.6.5", "amd64", "66bad39ed920f6fc15fd74adcb8bfd38ba9a6412f8c7852d09eb11670e88cac3"),
    ("3.6.5", "arm64", "7010161787077b07de29b15b76825ceacbbcedcb77fe2e6832f509be102cab6b"),
    ("3.6.6", "amd64", "887afaa4a99f22d802ccdfbe65730a5e79aa5c9ce2c8799c67e9d804c50ecedb"),
    ("3.6.6", "arm64", "8a15f5427c111ff4692753682374970fb68878401d946c2c28bdad6857db652f"),
    ("3.6.7", "amd64", "cf8af880c5a01ee5363cefa14a3e0cb7e5308dcf4ed17a6973099c9a7aee5a9a"),
    ("3.6.7", "arm64", "ef5fc443cf7cc5b82738f3c28363704896551900af90a6d622cae740b5644270"),
    ("3.6.8", "amd64", "cf9cfe91a4856cb90eed9c99e6aee4b708db2c7888b88a6f116281f04b0ea693"),
    ("3.6.8", "arm64", "438f56a700d17ce761510a3e63e6fa5c1d587b2dd4d7a22c179c09a649366760"),
    ("3.6.9", "amd64", "633136f13fcadac52e5c0ddcb97912643af6fcb9cb362e75774d0f96f7666396"),
    ("3.6.9", "arm64", "b51e433724325b66770019c4819d091b8965d2e81c07571a46e0619da1c8ece6"),
    ("3.6.10", "amd64", "ed579fafab5701e3aaa95509969e7bc74776a4ae5269d32e3928408b406456ec"),
    ("3.6.10", "arm64", "e40dc34b7a512b99c651f7700c1014e9b76e02415e2e24365b248966b173524c"),
    ("3.6.11", "amd64", "8756f7a4eaf921668a83de0bf13c0f65cae9186a165696e3ae8396afe6f557ed"),
    ("3.6.11", "arm64", "5302f1a6157c34eb0568c75fba9d06da98353576df04399f08645bef634acd2d"),
    ("3.6.12", "amd64", "d2564bb50b58e52fbaf3bde4a9561a1d04e20cdc761f795580e4d615d5d41355"),
    ("3.6.12", "arm64", "147afc710e164fa342ad8561bcca8903f3913bd9fb9ae0c83c857b1d868189cc"),
    ("3.6.13", "amd64", "b4928654aed84d90952620c7144555e4186d795e1e7414e65fe0cf6265fd0465"),
    ("3.6.13", "arm64", "5ab53ff70301fa9d782fa4b59fdfc1fae49ffdf427a0afb3cd313a93449800fc"),
    ("3.6.14", "amd64", "ffe840ff9295808e88cce2794a18a5ac87f12a5203c8314d0bf6aa119b41bac5"),
    ("3.6.14", "arm64", "fa1b80565ee6fc2df1ae6f57a508b221f3ecc7d591c317c581cd8281b0842b3e"),
)
#: The same by version and architecture.
ETCD: Final[dict[str, dict[Architecture, str]]] = {}
for _version, _architecture, _digest in _ETCD_ARCHIVES:
    ETCD.setdefault(_version, {})[_architecture] = _digest

#: Helm charts and the images they run.
FLANNEL: Final = "v0.28.4"
CALICO: Final = "v3.31.7"
LOCAL_PATH_PROVISIONER: Final = "0.0.30"
BUSYBOX: Final = "1.35"
MARIADB: Final = "10.11"


def minor(version: str) -> str:
    """1.36 of 1.36.5."""
    return ".".join(version.split(".")[:2])


def support_ends(version: str, today: date) -> str:
    """When support of a version of Kubernetes ends, in words. Empty while that is far away."""
    known = KUBERNETES.get(minor(version))
    if known is None:
        return "not in the table of ends of life"
    if known.end_of_life < today:
        return f"out of support since {known.end_of_life}"
    if (known.end_of_life - today).days <= END_OF_LIFE_NOTICE_DAYS:
        return f"in support only until {known.end_of_life}"
    return ""


#: Debian's packages of the machines' roles, which may have a version of their own (`maintenance.packages`).
BALANCER_PACKAGES: Final = ("haproxy",)
GATEWAY_PACKAGES: Final = (*BALANCER_PACKAGES, "keepalived")
NODE_PACKAGES: Final = ("conntrack", "containerd", "ebtables", "ethtool", "ipset", "iptables", "runc", "socat")
ROLE_PACKAGES: Final = (*GATEWAY_PACKAGES, *NODE_PACKAGES)
