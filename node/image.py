"""The bundle that bakes a machine image."""

from __future__ import annotations

from node.backups import COPY_PACKAGES
from node.base import package_files, package_settings, role_packages, scripts, settings_file
from node.bundle import Bundle
from node.containerd import containerd_files
from node.specs import InstallSpec


def install(spec: InstallSpec) -> Bundle:
    """Everything that any role needs, so that a machine of this image installs nothing; runs in a chroot as well."""
    wanted = role_packages(spec.packages, gateway=True, etcd=True, node=True)
    wanted += COPY_PACKAGES
    settings = package_settings(spec.packages, wanted) | {"IMAGES": list(spec.images)}
    return Bundle(
        "image",
        (
            *scripts("image.sh", "install.sh", "containerd.sh"),
            *package_files(spec.packages),
            *containerd_files(spec.containerd),
            settings_file(settings),
        ),
        limit_seconds=1800,
    )
