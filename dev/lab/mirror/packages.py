"""The Debian packages of the mirror, with the names, versions, files and dependencies of upstream's community packages.

These come from the package templates of the Kubernetes release tools (repository kubernetes/release, folder
cmd/krel/templates/latest).
Upstream has no package of etcd. `etcd` is the lab's own, for machines that may not fetch release archives.
"""

from pathlib import Path

from dev.lab.mirror.compile import folder_of
from dev.lab.mirror.debian_package import Content, DebianPackage
from dev.lab.mirror.product import Places
from dev.lab.mirror.programs import brought_by, cni_plugins, etcd, kubernetes

_FOLDER = Path(__file__).parent / "packages"
#: The first build of a version, as upstream numbers them.
_REVISION = "1.1"
_UNITS = "/usr/lib/systemd/system"
_STAND_IN = "Built for the lab from the Go module proxy: a stand-in for upstream's package of this name."


def all_packages(places: Places, kubernetes_versions: tuple[str, ...]) -> list[DebianPackage]:
    """Every package that these Kubernetes releases need."""
    packages = []
    for version in kubernetes_versions:
        brought = brought_by(version)
        packages += [_kubeadm(places, version), _kubectl(places, version), _kubelet(places, version)]
        packages += [_kubernetes_cni(places, brought.cni_plugins), _etcd(places, brought.etcd)]
    return list({package.file_name: package for package in packages}.values())


def _kubelet(places: Places, version: str) -> DebianPackage:
    return DebianPackage(
        *("kubelet", f"{version}-{_REVISION}", "Node agent for Kubernetes clusters", _STAND_IN, "net"),
        depends=("kubernetes-cni (>= 1.2.0)", "mount", "util-linux"),
        recommends=("iptables (>= 1.8.4)",),
        files={
            "/usr/bin/kubelet": Content(folder_of(places, kubernetes(version)) / "kubelet"),
            f"{_UNITS}/kubelet.service": Content(_FOLDER / "kubelet" / "kubelet.service", 0o644),
            "/etc/default/kubelet": Content(_FOLDER / "kubelet" / "kubelet.env", 0o644),
            "/etc/kubernetes/manifests/.kubelet-keep": Content(None, 0o644),
            "/var/lib/kubelet/.kubelet-keep": Content(None, 0o644),
        },
        configuration_files=("/etc/default/kubelet",),
        scripts={name: _FOLDER / "kubelet" / name for name in ("postinst", "prerm", "postrm")},
    )


def _kubeadm(places: Places, version: str) -> DebianPackage:
    summary = "Command-line utility for administering a Kubernetes cluster"
    return DebianPackage(
        *("kubeadm", f"{version}-{_REVISION}", summary, _STAND_IN, "admin"),
        files={
            "/usr/bin/kubeadm": Content(folder_of(places, kubernetes(version)) / "kubeadm"),
            f"{_UNITS}/kubelet.service.d/10-kubeadm.conf": Content(_FOLDER / "kubeadm" / "10-kubeadm.conf", 0o644),
        },
    )


def _kubectl(places: Places, version: str) -> DebianPackage:
    summary = "Command-line utility for interacting with a Kubernetes cluster"
    files = {"/usr/bin/kubectl": Content(folder_of(places, kubernetes(version)) / "kubectl")}
    return DebianPackage("kubectl", f"{version}-{_REVISION}", summary, _STAND_IN, "admin", files=files)


def _kubernetes_cni(places: Places, version: str) -> DebianPackage:
    build = cni_plugins(version)
    programs = {f"/opt/cni/bin/{name}": Content(folder_of(places, build) / name) for name in build.programs}
    return DebianPackage(
        *("kubernetes-cni", f"{version}-{_REVISION}"),
        summary="Binaries required to provision kubernetes container networking",
        description=f"{_STAND_IN}\n It holds the plugins that flannel and Calico call upon.",
        section="net",
        files={**programs, "/etc/cni/net.d/.kubernetes-cni-keep": Content(None, 0o644)},
    )


def _etcd(places: Places, version: str) -> DebianPackage:
    build = etcd(version)
    return DebianPackage(
        name="etcd",
        version=f"{version}-{_REVISION}",
        summary="Distributed reliable key-value store: server and tools",
        description="The programs etcd, etcdctl and etcdutl without a service of their own.",
        section="database",
        files={f"/usr/bin/{name}": Content(folder_of(places, build) / name) for name in build.programs},
    )
