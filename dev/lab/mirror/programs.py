"""The programs compiled for the mirror: for each build, the folder of its go.mod and how its version is stamped."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dev.errors import DevError
from dev.lab.mirror.product import content_key
from settings import versions

_FOLDER = Path(__file__).parent / "build"
_CNI = "github.com/containernetworking/plugins"
_ETCD = "go.etcd.io/etcd"
_LOCAL_PATH = "github.com/rancher/local-path-provisioner"
_KUBERNETES_PROGRAMS = (
    *("kubeadm", "kubectl", "kubelet"),
    *("kube-apiserver", "kube-controller-manager", "kube-proxy", "kube-scheduler"),
)
#: The source of the pause program, the only one not written in Go.
PAUSE_SOURCE = _FOLDER / "pause" / "pause.c"
#: Upstream stamps the commit here. Our builds come from a module, not from a commit.
_COMMIT = "0000000000000000000000000000000000000000"
#: Only the lab itself uses it, so it is not in settings/versions.py.
_RCLONE = "1.76.0"
#: The next minor version of etcd, to which the tests upgrade. The mirror has it only as an archive.
ETCD_AFTER = "3.7.3"


@dataclass(frozen=True)
class GoBuild:
    """Programs from one folder, whose go.mod pins `module` at `version`. `programs` maps file names to packages."""

    name: str
    version: str
    folder: Path
    module: str
    programs: Mapping[str, str]
    stamps: Mapping[str, str] = field(default_factory=dict)
    """Variables set at link time, by full name."""

    @property
    def title(self) -> str:
        """The name to show."""
        return f"{self.name} {self.version}"

    def key(self) -> str:
        """A key that changes whenever the programs would."""
        programs, stamps = sorted(self.programs.items()), sorted(self.stamps.items())
        return content_key(self.folder, self.version, repr(programs), repr(stamps))


def kubernetes(version: str) -> GoBuild:
    """The seven programs of one Kubernetes release."""
    major, minor, _ = version.split(".")
    values = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": _COMMIT,
        "buildDate": "2026-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return GoBuild(
        *("kubernetes", version, _FOLDER / f"kubernetes-{major}.{minor}", "k8s.io/kubernetes"),
        programs={name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES_PROGRAMS},
        stamps={f"{package}.{name}": value for package in packages for name, value in values.items()},
    )


def etcd(version: str) -> GoBuild:
    """etcd and its two tools."""
    return GoBuild(
        *("etcd", version, _FOLDER / f"etcd-{version}", f"{_ETCD}/server/v3"),
        programs={"etcd": f"{_ETCD}/server/v3", "etcdctl": f"{_ETCD}/etcdctl/v3", "etcdutl": f"{_ETCD}/etcdutl/v3"},
        stamps={f"{_ETCD}/api/v3/version.GitSHA": _COMMIT[:7]},
    )


def coredns(version: str) -> GoBuild:
    """The cluster's name server."""
    module = "github.com/coredns/coredns"
    stamps = {f"{module}/coremain.GitCommit": _COMMIT[:7]}
    return GoBuild("coredns", version, _FOLDER / f"coredns-{version}", module, {"coredns": module}, stamps)


def cni_plugins(version: str) -> GoBuild:
    """The CNI plugins that flannel and Calico use. Upstream's package has a dozen more."""
    plugins = (
        *("ipam/host-local", "ipam/static", "main/bridge", "main/loopback"),
        *("meta/bandwidth", "meta/firewall", "meta/portmap", "meta/tuning"),
    )
    return GoBuild(
        *("cni-plugins", version, _FOLDER / f"cni-plugins-{version}", _CNI),
        programs={plugin.split("/")[1]: f"{_CNI}/plugins/{plugin}" for plugin in plugins},
        stamps={f"{_CNI}/pkg/utils/buildversion.BuildVersion": f"v{version}"},
    )


#: The flannel daemon with our own main (a stand-in, see its source).
FLANNEL = GoBuild(
    *("flannel", versions.FLANNEL.removeprefix("v"), _FOLDER / "flannel", "github.com/flannel-io/flannel"),
    programs={"flanneld": "openstack-paas/lab/mirror/flannel"},
    stamps={"main.version": versions.FLANNEL},
)
#: The provisioner of volumes on a machine's own disk.
LOCAL_PATH_PROVISIONER = GoBuild(
    *("local-path-provisioner", versions.LOCAL_PATH_PROVISIONER, _FOLDER / "local-path-provisioner", _LOCAL_PATH),
    programs={"local-path-provisioner": _LOCAL_PATH},
    stamps={"main.VERSION": f"v{versions.LOCAL_PATH_PROVISIONER}"},
)
#: The S3 store that the lab itself runs: rclone's, with our own main (a stand-in, see its source).
OBJECT_STORE = GoBuild(
    *("object-store", _RCLONE, _FOLDER / "object-store", "github.com/rclone/rclone"),
    programs={"object-store": "openstack-paas/lab/mirror/objectstore"},
)


def go_builds(kubernetes_versions: tuple[str, ...]) -> list[GoBuild]:
    """Everything that these Kubernetes releases need, and the lab's S3 store, the longest build first."""
    brought = [brought_by(version) for version in kubernetes_versions]
    builds = [kubernetes(version) for version in kubernetes_versions]
    builds += [coredns(minor.coredns.removeprefix("v")) for minor in brought]
    builds += [etcd(version) for version in etcd_versions(kubernetes_versions)]
    builds += [cni_plugins(minor.cni_plugins) for minor in brought]
    builds += [FLANNEL, LOCAL_PATH_PROVISIONER, OBJECT_STORE]
    return list({(build.name, build.version): build for build in builds}.values())


def pause_versions(kubernetes_versions: tuple[str, ...]) -> list[str]:
    """The versions of the pause program for these releases."""
    return list(dict.fromkeys(brought_by(version).pause for version in kubernetes_versions))


def etcd_versions(kubernetes_versions: tuple[str, ...]) -> list[str]:
    """The versions of etcd for these releases; with the newest Kubernetes also the version for the upgrade test."""
    found = [brought_by(version).etcd for version in kubernetes_versions]
    if versions.minor(kubernetes_versions[-1]) == list(versions.KUBERNETES)[-1]:
        found.append(ETCD_AFTER)
    return list(dict.fromkeys(found))


def release(kubernetes: str) -> str:
    """The release of a minor version, or that release itself. Raises DevError when the lab cannot build it."""
    for minor, brought in versions.KUBERNETES.items():
        if kubernetes in (minor, brought.patch):
            return brought.patch
    known = ", ".join(each.patch for each in versions.KUBERNETES.values())
    raise DevError(f"Kubernetes {kubernetes}: the lab has {known}")


def brought_by(kubernetes_version: str) -> versions.Minor:
    """The versions that belong to a release of Kubernetes."""
    return versions.KUBERNETES[versions.minor(kubernetes_version)]
