"""The platform's own install step, as the lab's image is baked with it: the bundle of machines/ for the lab's mirror."""

from __future__ import annotations

from dev.lab.mirror.apt_repository import COMPONENT, SUITE
from dev.lab.mirror.debian_sources import SUITE as DEBIAN
from dev.lab.mirror.places import Places
from dev.lab.mirror.programs import brought_by
from machines import render
from machines.common.bundle import Bundle
from machines.parts import AptRepository, Packages
from machines.specs import Containerd, InstallSpec

#: Registries whose images the mirror has, under the same paths.
_REGISTRIES = ("registry.k8s.io", "docker.io", "quay.io", "ghcr.io")


def install_bundle(places: Places, kubernetes: str) -> Bundle:
    """Installs what machines of every role need, from this mirror.

    No container images: the lab's machines keep /var/lib/containerd in a folder of their own, outside the image.
    """
    brought = brought_by(kubernetes)
    debian = (
        AptRepository(f"{places.apt_proxy}/debian", DEBIAN, ("main",)),
        AptRepository(f"{places.apt_proxy}/debian", f"{DEBIAN}-updates", ("main",)),
        AptRepository(f"{places.apt_proxy}/debian-security", f"{DEBIAN}-security", ("main",)),
    )
    packages = Packages(
        kubernetes=kubernetes,
        etcd=brought.etcd,
        cni_plugins=brought.cni_plugins,
        debian=debian,
        repositories=(AptRepository(f"{places.web}/apt", SUITE, (COMPONENT,)),),
    )
    containerd = Containerd(
        pause_image=f"registry.k8s.io/pause:{brought.pause}",
        registries={registry: f"http://{places.registry}" for registry in _REGISTRIES},
    )
    return render.install(InstallSpec(packages=packages, containerd=containerd))
