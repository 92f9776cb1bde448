"""The bundle that bakes a machine image."""

from __future__ import annotations

from machines.etcd.backups import COPY_PACKAGES
from machines.common.base import package_files, package_settings, role_packages, scripts, settings_file
from machines.common.bundle import Bundle
from machines.kubernetes.containerd import containerd_files
from machines.specs import InstallSpec


def install(spec: InstallSpec) -> Bundle:
    """Everything that any role needs, so that a machine of this image installs nothing; runs in a chroot as well."""
    wanted = role_packages(spec.packages, gateway=True, etcd=True, node=True)
    wanted += COPY_PACKAGES
    settings = package_settings(spec.packages, wanted) | {"IMAGES": list(spec.images)}
    return Bundle(
        "image",
        (
            *scripts("image.sh", "common/packages.sh", "kubernetes/containerd.sh"),
            *package_files(spec.packages),
            *containerd_files(spec.containerd),
            settings_file(settings),
        ),
        limit_seconds=1800,
    )
