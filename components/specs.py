"""From settings to what node.render takes: the parts that all roles share. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from node.parts import AptRepository, Archive, Backups, Base, Packages, Peer, Proxy, S3Place, SftpPlace, Volume
from node.specs import Containerd, Kubernetes, Renewal
from settings.backups import BackupSettings
from settings.machines import VolumeSettings
from settings.mirrors import AptSource
from settings.plan import Plan, PlannedMachine
from settings.platform import Platform
from settings.versions import ETCD, minor

#: The community's package repository, one a minor version (https://kubernetes.io/blog/2023/08/15/pkgs-k8s-io-introduction/).
KUBERNETES_REPOSITORY = "https://pkgs.k8s.io/core:/stable:/v{minor}/deb/"
#: Root of etcd's release archives.
ETCD_FILES = "https://github.com/etcd-io/etcd/releases/download"


def _repository(source: AptSource) -> AptRepository:
    return AptRepository(source.uri, source.suite, source.components, source.key_url or "")


def packages(platform: Platform) -> Packages:
    """Versions of the packages and where they come from."""
    settings = platform.settings
    etcd = settings.etcd_version
    mirrors = settings.mirrors
    upstream = KUBERNETES_REPOSITORY.format(minor=minor(settings.kubernetes.version))
    kubernetes = (
        _repository(mirrors.kubernetes)
        if mirrors.kubernetes
        else AptRepository(upstream, "/", key_url=f"{upstream}Release.key")
    )
    files = f"{mirrors.files}/etcd" if mirrors.files else ETCD_FILES
    return Packages(
        kubernetes=settings.kubernetes.version,
        etcd=etcd,
        cni_plugins=settings.brought.cni_plugins,
        debian=tuple(_repository(source) for source in mirrors.debian),
        repositories=(kubernetes,),
        etcd_archives=tuple(
            Archive(architecture, digest, f"{files}/v{etcd}/etcd-v{etcd}-linux-{architecture}.tar.gz")
            for architecture, digest in (settings.etcd.sha256 or ETCD.get(etcd, {})).items()
        ),
        pins=settings.maintenance.packages,
    )


def no_proxy(platform: Platform) -> tuple[str, ...]:
    """What never goes through a proxy: this machine, the platform's networks and VIPs, the cluster's own names."""
    network, plan = platform.settings.network, platform.addresses
    if not (platform.settings.proxy.http or platform.settings.proxy.https):
        return ()
    ranges = (network.edge, network.private, network.pods, network.services)
    names = ("localhost", "127.0.0.1", "::1", "169.254.169.254", ".svc", f".{network.dns_domain}")
    vips = (plan.public_vip, plan.private_vip, plan.load_balancer)
    return (*names, *map(str, ranges), *filter(None, vips), *platform.settings.proxy.extra_no_proxy)


def base(platform: Platform, machine: PlannedMachine) -> Base:
    """What every machine has."""
    proxy = platform.settings.proxy
    return Base(
        name=machine.hostname,
        address=machine.address,
        packages=packages(platform),
        proxy=Proxy(proxy.http, proxy.https, no_proxy(platform)),
        epoch=platform.settings.maintenance.epoch,
    )


def peers(machines: tuple[PlannedMachine, ...], edge: bool = False) -> tuple[Peer, ...]:
    """Machines as others see them: by host name and private (or edge) address."""
    return tuple(Peer(m.hostname, m.edge_address if edge else m.address) for m in machines)


def ingress(plan: Plan) -> tuple[Peer, ...]:
    """Where gateways look for ingress: at the first places of each pool, or at the control planes without workers."""
    places = tuple(Peer(place.name, place.address) for place in plan.ingress_places)
    return places or peers(plan.control_planes)


def control_plane_places(plan: Plan) -> tuple[Peer, ...]:
    """Where there are, or may be, control planes: one more of them changes no worker."""
    return tuple(map(Peer, plan.control_plane_hostnames, plan.control_plane_places))


def containerd(platform: Platform) -> Containerd:
    """Registries and their mirrors, and the sandbox image."""
    kubernetes = platform.settings.kubernetes
    return Containerd(
        pause_image=f"{kubernetes.image_repository}/pause:{platform.settings.brought.pause}",
        registries=dict(platform.settings.mirrors.images),
    )


def api_endpoint(platform: Platform) -> str:
    """The API as machines and pods see it, as host:port."""
    return f"{platform.addresses.api_address}:6443"


def gate_endpoint(platform: Platform) -> str:
    """The API as the gateway that is the way in sees it, as host:port.

    Without a public VIP that gateway is the API's address outside, and another one may hold the private VIP: then it
    asks itself.
    """
    plan = platform.addresses
    return "127.0.0.1:6443" if not (plan.public_vip or plan.load_balancer) else api_endpoint(platform)


def api_names(platform: Platform, outside: Sequence[str]) -> tuple[str, ...]:
    """Every name and address by which the API server is called; `outside` are those that only the cloud knows."""
    plan = platform.addresses
    names = (plan.api_address, plan.public_vip, *outside, "localhost", "127.0.0.1")
    return tuple(dict.fromkeys(name for name in (*names, *platform.settings.api.certificate_names) if name))


def quantity_bytes(quantity: str) -> int:
    """Bytes of a quantity with a binary unit (2Gi)."""
    return int(quantity[:-2]) << 10 * (1 + "KMGT".index(quantity[-2]))


def volume(settings: VolumeSettings | None, inputs: Mapping[str, str]) -> Volume | None:
    """The machine's data volume, whose id the step gets as the input `volume`."""
    return Volume(inputs["volume"], settings.size_gib) if settings else None


def backups(settings: BackupSettings, secrets: Mapping[str, str]) -> Backups | None:
    """Snapshots of etcd, with the secrets of the places that they go to, by their keys in the stack file."""
    s3, sftp, keep = settings.copy_to.s3, settings.copy_to.sftp, settings.etcd.keep
    if not settings.etcd.enabled:
        return None
    return Backups(
        interval_minutes=settings.etcd.interval_minutes,
        last=keep.last,
        hourly=keep.hourly,
        daily=keep.daily,
        weekly=keep.weekly,
        s3=S3Place(
            s3.endpoint,
            s3.bucket,
            s3.prefix,
            s3.region,
            secrets["backupS3AccessKey"],
            secrets["backupS3SecretKey"],
            s3.ca_certificate,
        )
        if s3
        else None,
        sftp=SftpPlace(sftp.host, sftp.port, sftp.user, sftp.folder, sftp.host_key, secrets["backupSftpKey"])
        if sftp
        else None,
        recipients=settings.encrypt_to,
    )


def draining(platform: Platform) -> dict[str, Any]:
    """How pods leave a node before it is changed, as arguments of Kubelet."""
    rollout, plan = platform.settings.rollout, platform.addresses
    return {
        "drain_seconds": rollout.drain_seconds,
        "bare_pods": rollout.bare_pods,
        "alone": len(plan.control_planes) + len(plan.workers) == 1,
    }


def kubernetes(platform: Platform, ca_certificate: str) -> Kubernetes:
    """What all nodes agree on."""
    settings = platform.settings
    return Kubernetes(
        cluster_name=platform.cluster,
        version=settings.kubernetes.version,
        endpoint=api_endpoint(platform),
        pod_cidr=str(settings.network.pods),
        service_cidr=str(settings.network.services),
        ca_certificate=ca_certificate,
        dns_domain=settings.network.dns_domain,
        image_repository=settings.kubernetes.image_repository,
        kubelet_configuration={
            "maxPods": settings.kubernetes.pods_per_node,
            **settings.kubernetes.kubelet_configuration,
        },
        kube_proxy_configuration=settings.kubernetes.kube_proxy_configuration,
        ignore_preflight_errors=settings.kubernetes.ignore_preflight_errors,
        renewal=Renewal(
            settings.certificates.epoch,
            settings.certificates.leaf_validity_hours,
            settings.certificates.renewal_hours,
            settings.certificates.authorities.issuing,
        ),
    )
