"""Debian's packages on the machines: pinned versions, and when the others are upgraded."""

from typing import Annotated

from settings.model import Section, text

PackageVersion = Annotated[
    str,
    # https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
    text(
        r"^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$",
        "must be a version as `apt-cache madison` lists it",
        'write it in quotes, such as "2.6.12-1+deb12u2"',
    ),
]
Epoch = Annotated[
    str,
    text(
        r"^([A-Za-z0-9][A-Za-z0-9._:+-]{0,63})?$",
        "must be at most 64 letters, digits, dots, dashes, underscores, colons and plus signs",
        'write a word that you have not used before, such as "2026-11"',
    ),
]


class MaintenanceSettings(Section):
    """Debian's packages. They are changed one machine at a time, while the machine is drained.

    Machines never upgrade haproxy, keepalived, containerd, runc, etcd and Kubernetes by themselves.
    """

    packages: dict[str, PackageVersion] = {}
    """Pinned versions of packages by name (haproxy, keepalived, containerd, runc and a few more).

    Without a pin a machine has the version that was newest when it was created, or in its last epoch.
    """
    epoch: Epoch = ""
    """A new word upgrades every machine's packages to what the apt sources offer then. Nothing is removed.

    Packages that are pinned in `packages` keep their version. A machine that needs a reboot afterwards says so.
    """
