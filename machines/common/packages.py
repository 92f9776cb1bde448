"""Packages of the roles: their names and versions, and the apt sources and archives that they come from."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from agent.system.apt_sources import AptSources, SigningKey
from agent.system.etcd_archive import EtcdArchive
from agent.system.packages import DesiredPackages
from machines.common.templates import render_template
from settings.versions import BALANCER_PACKAGES, ETCD, GATEWAY_PACKAGES, NODE_PACKAGES, minor

if TYPE_CHECKING:
    # Not when it runs: the lab bakes its images with Debian's own Python, which has no pydantic.
    from settings.mirrors import AptSource
    from settings.platform_settings import PlatformSettings

#: Debian packages that the agent calls on every machine, and curl, with which runbooks ask by hand.
COMMON_PACKAGES: Final = ("ca-certificates", "chrony", "curl", "iproute2", "iputils-ping", "kmod", "nftables", "procps")
#: Debian packages that carry copies of backups away and encrypt them.
COPY_PACKAGES: Final = ("rclone", "age")
#: The community's package repository, one a minor version (https://kubernetes.io/blog/2023/08/15/pkgs-k8s-io-introduction/).
KUBERNETES_REPOSITORY: Final = "https://pkgs.k8s.io/core:/stable:/v{minor}/deb/"
#: Root of etcd's release archives.
ETCD_FILES: Final = "https://github.com/etcd-io/etcd/releases/download"


def role_packages(
    settings: "PlatformSettings",
    *,
    gateway: bool = False,
    etcd: bool = False,
    node: bool = False,
    balancer: bool = False,
) -> list[str]:
    """The packages that a role needs, as `name` or `name=version`, in a stable order."""
    balancing = GATEWAY_PACKAGES if gateway else BALANCER_PACKAGES if balancer else ()
    debian, pins = (*balancing, *(NODE_PACKAGES if node else ())), settings.maintenance.packages
    wanted = [*COMMON_PACKAGES, *(f"{name}={pins[name]}" if name in pins else name for name in debian)]
    if node:
        wanted += [f"{name}={settings.kubernetes.version}" for name in ("kubeadm", "kubectl", "kubelet")]
        wanted.append(f"kubernetes-cni={settings.brought.cni_plugins}")
    if etcd:
        wanted.append(f"etcd={settings.etcd_version}")
    return wanted


def desired_packages(settings: "PlatformSettings", wanted: Iterable[str]) -> DesiredPackages:
    """The packages of a machine, and where they come from."""
    kubernetes = (kubernetes_source(settings),)
    keys = (source.key_url for source in (*settings.mirrors.debian, *kubernetes) if source.key_url)
    return DesiredPackages(
        wanted=tuple(wanted),
        sources=AptSources(
            debian=_apt_list(settings.mirrors.debian),
            packages=_apt_list(kubernetes),
            keys=tuple(SigningKey(_key_path(url), url) for url in keys),
        ),
        etcd_archives=etcd_archives(settings),
        epoch=settings.maintenance.epoch,
    )


def kubernetes_source(settings: "PlatformSettings") -> "AptSource":
    """Where the packages of Kubernetes come from."""
    if settings.mirrors.kubernetes:
        return settings.mirrors.kubernetes
    from settings.mirrors import AptSource

    upstream = KUBERNETES_REPOSITORY.format(minor=minor(settings.kubernetes.version))
    return AptSource(uri=upstream, suite="/", keyUrl=f"{upstream}Release.key")


def etcd_archives(settings: "PlatformSettings") -> tuple[EtcdArchive, ...]:
    """etcd's release archives: used when no apt source has the package in that version."""
    version = settings.etcd_version
    root = f"{settings.mirrors.files}/etcd" if settings.mirrors.files else ETCD_FILES
    return tuple(
        EtcdArchive(architecture, digest, f"{root}/v{version}/etcd-v{version}-linux-{architecture}.tar.gz")
        for architecture, digest in (settings.etcd.sha256 or ETCD.get(version, {})).items()
    )


def _key_path(url: str) -> str:
    """Where a signing key lies: another URL is another file, so it is fetched once."""
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    suffix = "gpg" if url.endswith(".gpg") else "asc"
    return f"/etc/apt/keyrings/openstack-paas-{digest}.{suffix}"


def _apt_list(sources: "Sequence[AptSource]") -> str:
    """An apt source list. A source without a key is a closed site's mirror, which may also be frozen in time."""
    entries = [
        (source, f"signed-by={_key_path(source.key_url)}" if source.key_url else "trusted=yes check-valid-until=no")
        for source in sources
    ]
    return render_template("common/apt.list.j2", entries=entries)
