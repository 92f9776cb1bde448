"""The bundle of a member of etcd."""

from __future__ import annotations

from typing import Final

from machines.etcd.backups import backup_files, backup_packages, backup_settings
from machines.common.base import machine_files, machine_settings, metadata_firewall, role_packages, scripts, settings_file
from machines.common.bundle import Bundle, File
from machines.specs import EtcdSpec
from machines.common.templates import read_unit, render_template
from machines.common.volume import Use, volume_settings, with_volume

#: Where etcd keeps its data (etcd.env.j2, etcd-membership.sh).
VOLUME_USE = Use("/var/lib/etcd", "etcd/etcd.service", "etcd")

_SCRIPTS: Final = (
    "common/machine.sh",
    "common/packages.sh",
    "common/maintenance.sh",
    "etcd/membership.sh",
    "etcd/membership-changes.sh",
    "etcd/rolling-restart.sh",
    "common/digests.sh",
    "common/issuer.sh",
    "etcd/authorities.sh",
)


def etcd(spec: EtcdSpec) -> Bundle:
    """One member: TLS with certificates on both sides for clients and peers; it decides itself how it starts."""
    wanted = role_packages(spec.base.packages, etcd=True) + backup_packages(spec.backups)
    settings = machine_settings(spec.base, wanted) | {
        "ETCD_VERSION": spec.base.packages.etcd,
        # Not this machine's: before it changes each member takes a snapshot, and the control planes wait for that.
        "KUBERNETES_VERSION": spec.base.packages.kubernetes,
        "CLUSTER_TOKEN": spec.cluster_token,
        "GENERATION": spec.generation,
        "MEMBERS": [f"{member.name} {member.address}" for member in spec.members],
        "CONTROL_PLANES": list(spec.control_planes),
        "QUOTA_BYTES": str(spec.quota_bytes),
        **backup_settings(spec),
        **volume_settings(spec.volume, VOLUME_USE),
    }
    endpoints = [f"https://{member.address}:2379" for member in spec.members]
    files = (
        *scripts("etcd/converge.sh", *_SCRIPTS),
        *machine_files(spec.base),
        metadata_firewall(spec.base),
        settings_file(settings),
        File("files/etcd.service", read_unit("etcd/etcd.service")),
        File("files/etcd.env", _environment(spec)),
        File("files/etcdctl.env", render_template("etcd/etcdctl.env.j2", endpoints=endpoints)),
        *backup_files(spec),
        File("pki/ca.crt", spec.ca_certificate),
        *(
            file
            for name, pair in (("server", spec.server), ("peer", spec.peer), ("client", spec.client))
            for file in (
                File(f"pki/{name}.crt", pair.certificate),
                File(f"pki/{name}.key", pair.private_key, 0o600, secret=True),
            )
        ),
    )
    # Longer than its waits one after another: cloud-init, the peers' machines, others that join before, its own data.
    return Bundle("etcd", with_volume(files, spec.volume, VOLUME_USE), limit_seconds=1500)


def _environment(spec: EtcdSpec) -> str:
    """etcd's options as environment variables, but for those of its first start."""
    return render_template(
        "etcd/etcd.env.j2",
        name=spec.base.name,
        address=spec.base.address,
        cluster_token=spec.cluster_token,
        heartbeat_ms=spec.heartbeat_ms,
        election_ms=spec.election_ms,
        quota_bytes=spec.quota_bytes,
    )
