"""The bundle of a member of etcd."""

from collections.abc import Mapping
from typing import Final

from machines.common.bundle import Bundle, File, key_pair, scripts
from machines.common.machine import machine_files
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from machines.common.volume import Use, volume_settings, with_volume
from machines.etcd.backups import backup_packages
from settings import ports
from settings.model import size_of
from settings.plan import PlannedMachine
from settings.platform import Platform

#: Where etcd keeps its data (etcd.env.j2, membership.sh).
VOLUME_USE = Use("/var/lib/etcd", "etcd.service", "etcd")

_SCRIPTS: Final = (
    "etcd/membership.sh",
    "etcd/membership-changes.sh",
    "etcd/rolling-restart.sh",
    "common/digests.sh",
    "common/issuer.sh",
    "etcd/authorities.sh",
)


def etcd_bundle(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> Bundle:
    """One member: TLS with certificates on both sides for clients and peers. The machine decides how it starts.

    `secrets` has certificates and keys in PEM: `ca`, `member`, `client`; the volume's id, and those of backups.
    """
    settings, plan = platform.settings, platform.plan
    quota = size_of(settings.etcd.quota)
    wanted = role_packages(settings, etcd=True) + backup_packages(settings.backups)
    script_settings = {
        "ETCD_VERSION": settings.etcd_version,
        # Not this machine's: before it changes each member takes a snapshot, and the control planes wait for that.
        "KUBERNETES_VERSION": settings.kubernetes.version,
        "CLUSTER_TOKEN": platform.cluster,
        "GENERATION": settings.certificates.authorities.issuing,
        "MEMBERS": [f"{member.hostname} {member.address}" for member in plan.etcd],
        "CONTROL_PLANES": list(plan.control_plane_places),
        "QUOTA_BYTES": str(quota),
        **volume_settings(settings.etcd.volume, VOLUME_USE, secrets),
    }
    environment = render_template(
        "etcd/etcd.env.j2", planned=planned, cluster=platform.cluster, etcd=settings.etcd, quota_bytes=quota
    )
    files = (
        *scripts("etcd/converge.sh", *_SCRIPTS),
        *machine_files(platform, planned, wanted, script_settings),
        File("files/etcd.service", read_plain("etcd/etcd.service")),
        File("files/etcd.env", environment),
        File("files/etcdctl.env", render_template("etcd/etcdctl.env.j2", endpoints=endpoints(platform))),
        File("pki/ca.crt", secrets["ca"]),
        *key_pair("pki/server", secrets["member"], secrets["member_key"]),
        *key_pair("pki/peer", secrets["member"], secrets["member_key"]),
        *key_pair("pki/client", secrets["client"], secrets["client_key"]),
    )
    # Longer than its waits one after another: cloud-init, the peers' machines, others that join before, its own data.
    return Bundle("etcd", with_volume(files, settings.etcd.volume, VOLUME_USE), limit_seconds=1500)


def endpoints(platform: Platform) -> tuple[str, ...]:
    """Where clients reach etcd."""
    return tuple(f"https://{member.address}:{ports.ETCD_CLIENTS}" for member in platform.plan.etcd)
