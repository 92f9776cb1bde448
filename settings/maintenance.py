"""Changes of the running platform: Debian's packages, how machines are changed, and what must not be removed."""

from typing import Annotated, Literal

from pydantic import Field

from settings.model import Section, Whole, text

PackageVersion = Annotated[
    str,
    # https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
    text(
        r"^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$",
        "must be a version as `apt-cache madison` lists it",
        'write it in quotes, such as "2.6.12-1+deb12u2"',
    ),
]
PackageEpoch = Annotated[
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
    epoch: PackageEpoch = ""
    """A new word upgrades every machine's packages to what the apt sources offer then. Nothing is removed.

    Packages that are pinned in `packages` keep their version. A machine that needs a reboot afterwards says so.
    """


class RolloutSettings(Section):
    """Changes of running machines: upgrades, packages, kubelets. New machines are all created at once.

    Gateways and control planes change one after another, workers as many at a time as `maxUnavailable` of their pool.
    """

    drain_seconds: Whole = Field(300, ge=10, le=3600)
    """How long draining a node may take before it is changed.

    Pods are evicted, which a PodDisruptionBudget may delay. After this time the node takes pods again, the rollout
    stops, and the message says what blocked it.
    """
    bare_pods: Literal["refuse", "delete"] = "refuse"
    """What happens to pods that no controller would recreate: they block the change, or they are deleted."""
    replace: tuple[str, ...] = ()
    """Running machines, by host name, that a changed flavor, zone or spread may replace or restart now.

    All others stay as they are. Name no more machines of a role than it can spare. See docs/upgrades.md.
    """
    lose_volumes: tuple[str, ...] = ()
    """Those of them whose disk holds claimed volumes that may be lost."""


class ProtectionSettings(Section):
    """Protection from removal and replacement. The preset `production` turns all three on.

    To remove something protected, set its key to false, run `pulumi up`, then make the change.
    """

    etcd: bool = False
    """The members of etcd with their data volumes."""
    database: bool = False
    """The database's release, namespace and passwords, and the volumes of worker pools."""
    vips: bool = False
    """The VIP ports and the API's floating IP: clients and DNS know that address."""
