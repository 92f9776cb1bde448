"""Debian's packages on machines: versions that are pinned, and when everything else is renewed."""

from typing import Annotated

from settings.model import Section, text

PackageVersion = Annotated[
    str,
    # https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
    text(
        r"^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$",
        "must be a version as `apt-cache madison` lists it",
        'write it in quotes, as "2.6.12-1+deb12u2"',
    ),
]
Epoch = Annotated[
    str,
    text(
        r"^([A-Za-z0-9][A-Za-z0-9._:+-]{0,63})?$",
        "must be at most 64 letters, digits, dots, dashes, underscores, colons and plus signs",
        'write a word that you have not used before, as "2026-11"',
    ),
]


class MaintenanceSettings(Section):
    """Changes of Debian's packages: one machine at a time, without what it does for the platform.

    Machines never upgrade haproxy, keepalived, containerd, runc, etcd and Kubernetes by themselves.
    """

    packages: dict[str, PackageVersion] = {}
    """Versions of the roles' packages by name (haproxy, keepalived, containerd, runc and a few more).

    Without one a machine has what was newest when it was made, or in its last epoch.
    """
    epoch: Epoch = ""
    """Another word brings every machine's packages to what the apt sources offer then; nothing is removed.

    Packages with a version in `packages` keep it. A machine that needs a reboot afterwards says so.
    """
