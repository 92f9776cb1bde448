"""The platform's own installation, as the lab's image is baked with it: what machines of every role need."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from dev.lab.mirror.apt_repository import COMPONENT, SUITE
from dev.lab.mirror.product import Places
from dev.lab.mirror.programs import brought_by
from dev.lab.mirror.root_filesystem import SUITE as DEBIAN
from machines.common.bundle import CONVERGE, Bundle, File, script_file, settings_file
from machines.common.packages import COPY_PACKAGES, package_files, package_settings, role_packages
from machines.kubernetes.containerd import containerd_files

if TYPE_CHECKING:
    from settings.platform_settings import PlatformSettings

#: Registries whose images the mirror has, under the same paths.
_REGISTRIES = ("registry.k8s.io", "docker.io", "quay.io", "ghcr.io")
_PARTS = ("common/lib.sh", "common/services.sh", "common/packages.sh", "kubernetes/containerd.sh")


def install_bundle(places: Places, kubernetes: str) -> Bundle:
    """Installs everything from this mirror, so that a machine of the image installs nothing.

    No container images: the lab's machines keep /var/lib/containerd in a folder of their own, outside the image.
    """
    settings = _settings(places, kubernetes)
    wanted = [*role_packages(settings, gateway=True, etcd=True, node=True), *COPY_PACKAGES]
    return Bundle(
        "image",
        (
            File(CONVERGE, Path(__file__).with_name("converge.sh").read_text(encoding="utf-8"), 0o755),
            *map(script_file, _PARTS),
            *package_files(settings),
            *containerd_files(settings),
            settings_file(package_settings(settings, wanted)),
        ),
        limit_seconds=1800,
    )


def _settings(places: Places, kubernetes: str) -> "PlatformSettings":
    """What an installation reads of a stack's settings. Debian's own Python runs this and cannot read them all."""

    def source(uri: str, suite: str, component: str) -> SimpleNamespace:
        return SimpleNamespace(uri=uri, suite=suite, components=(component,), key_url=None)

    debian, security = f"{places.apt_proxy}/debian", f"{places.apt_proxy}/debian-security"
    suites = ((debian, DEBIAN), (debian, f"{DEBIAN}-updates"), (security, f"{DEBIAN}-security"))
    mirrors = SimpleNamespace(
        debian=tuple(source(uri, suite, "main") for uri, suite in suites),
        kubernetes=source(f"{places.web}/apt", SUITE, COMPONENT),
        images={registry: f"http://{places.registry}" for registry in _REGISTRIES},
        files=f"{places.web}/files",
    )
    brought = brought_by(kubernetes)
    settings = SimpleNamespace(
        kubernetes=SimpleNamespace(version=kubernetes, image_repository="registry.k8s.io"),
        brought=brought,
        etcd=SimpleNamespace(sha256={}),
        etcd_version=brought.etcd,
        maintenance=SimpleNamespace(packages={}),
        mirrors=mirrors,
    )
    return cast("PlatformSettings", settings)
