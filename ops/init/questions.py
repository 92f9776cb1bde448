"""The questions of `paas init`: pure functions from what the cloud has and the answers so far."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.init import cloud_offers
from preflight.checks.flavors import NODE_DISK_GIB
from preflight.cloud import Cloud
from settings.checks.versions import SUPPORTED
from settings.presets import PRESETS
from settings.resolved import numbers
from settings.versions import DEFAULT_KUBERNETES, KUBERNETES, minor

Known = Mapping[str, Any]

#: What each preset is for, in a line.
PURPOSES: Final = {
    "education": "to learn and try: the fewest and smallest machines, nothing is redundant",
    "dev": "to develop and test on: one gateway and control plane, room for workloads, may fail and be made again",
    "production": "to serve people: two gateways, three members of etcd, three control planes, protected data",
}
#: Word for every address, by which somebody confirms that the whole internet may try to log in.
ANYWHERE: Final = "anywhere"
#: Word for the zone that the cloud chooses.
CLOUDS_ZONE: Final = "default"
#: The system that the program is proven on; its images come first (README).
PROVEN_SYSTEM: Final = ("debian", "12")
#: Most choices that a question shows.
SHOWN: Final = 8


@dataclass(frozen=True)
class Role:
    """A role, its section in the stack file, and what its machines need to work well."""

    name: str
    section: str
    vcpus: int
    ram_mib: int
    disk_gib: int = 0

    @property
    def dest(self) -> str:
        """Name of the answer."""
        return f"{self.name.replace('-', '_')}_flavor"


#: Sizes: kubeadm wants 2 vCPU and 2 GiB before any addon (https://kubernetes.io/docs/setup, installing kubeadm), etcd
#: 2 cores (https://etcd.io/docs/v3.6/op-guide/hardware/); a gateway runs haproxy and keepalived. The memory is twice
#: that, to begin with; what is too little is known to preflight/checks/flavors.py.
ROLES: Final = (
    Role("gateway", "gateways", 1, 1024),
    Role("etcd", "etcd", 2, 2048),
    Role("control-plane", "controlPlanes", 2, 4096, NODE_DISK_GIB),
    Role("worker", "workers", 2, 4096, NODE_DISK_GIB),
)


@dataclass(frozen=True)
class Choice:
    """One answer that is offered, and what it means."""

    value: str
    note: str = ""


@dataclass(frozen=True)
class Question:
    """One question: `dest` names the answer, `flag` gives it on the command line.

    `parse` makes the answer of a text; ValueError has the rule that the text breaks. Without a default it is None.
    """

    dest: str
    flag: str
    text: str
    parse: Callable[[str], Any]
    default: str | None = None
    choices: tuple[Choice, ...] = ()
    hint: str = ""
    ask: bool = True
    """Whether it is put to people at all; otherwise the default holds unless the flag is given."""


def _one_of(values: Iterable[str], what: str) -> Callable[[str], str]:
    """A parser that takes one of `values`, or any word when there are none to know."""
    known = list(values)

    def parse(text: str) -> str:
        if not text:
            raise ValueError("must not be empty")
        if known and text not in known:
            near = difflib.get_close_matches(text, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known[:SHOWN])}"
            article = "an" if what[0] in "aeiou" else "a"
            raise ValueError(f"is not {article} {what}; {hint}")
        return text

    return parse


def which_cloud(names: list[str]) -> Question:
    """Which entry of clouds.yaml: the only one, when it is."""
    return Question(
        "cloud",
        "--cloud",
        "Which cloud of clouds.yaml?",
        _one_of(names, "cloud of clouds.yaml"),
        names[0] if len(names) == 1 else None,
        tuple(Choice(name) for name in names),
    )


def preset(cloud: Cloud, known: Known, stack: str) -> Question:
    """What the platform is for; a stack whose name begins with prod is for production."""
    return Question(
        "preset",
        "--preset",
        "What is the platform for?",
        _one_of(PRESETS, "preset"),
        "production" if stack.startswith("prod") else "dev",
        tuple(Choice(name, PURPOSES[name]) for name in PRESETS),
    )


def external(cloud: Cloud, known: Known, stack: str) -> Question:
    """The external network: the cloud's only one, or the one called public."""
    names = list(dict.fromkeys(network.name for network in cloud.external_networks))
    default = "public" if "public" in names else names[0] if names else None
    return Question(
        "external",
        "--external",
        "Which network leads outside? Floating IPs come from it.",
        _one_of(names, "external network that this project sees"),
        default,
        tuple(Choice(name) for name in names),
        ask=len(names) != 1,
    )


def image(cloud: Cloud, known: Known, stack: str) -> Question:
    """The machines' image: the newest of the proven system, else the newest at all."""
    candidates = cloud_offers.image_candidates(cloud)
    proven = [candidate for candidate in candidates if cloud_offers.system(candidate.name) == PROVEN_SYSTEM]
    first = next(iter([*proven, *candidates]), None)
    return Question(
        "image",
        "--image",
        "Which image should the machines start from? It needs cloud-init, apt and a user who may sudo.",
        _one_of((found.name for found in cloud.images or ()), "image that this project sees"),
        first.name if first else None,
        tuple(Choice(found.name, found.created[:10]) for found in candidates[:SHOWN]),
        hint="Debian 12 is what this program is proven on.",
    )


def flavor(role: Role) -> Callable[[Cloud, Known, str], Question]:
    """The question for the flavor of a role: the smallest that is large enough."""

    def question(cloud: Cloud, known: Known, stack: str) -> Question:
        fitting = cloud_offers.fitting_flavors(cloud, role.vcpus, role.ram_mib, role.disk_gib, known.get("image", ""))
        size = f"{role.vcpus} vCPU and {role.ram_mib / 1024:.3g} GiB of memory"
        return Question(
            role.dest,
            f"--{role.name}-flavor",
            f"Which flavor for {'an' if role.name == 'etcd' else 'a'} {role.name} machine? It should have {size}.",
            _one_of((found.name for found in cloud.flavors or ()), "flavor that this project sees"),
            fitting[0].name if fitting else None,
            tuple(Choice(found.name, cloud_offers.describe(found)) for found in fitting[:SHOWN]),
            hint="" if fitting or cloud.flavors is None else f"No flavor of this cloud has {size}.",
        )

    return question


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 5000:
        raise ValueError("must be a number from 0 to 5000")
    return int(text)


def workers(cloud: Cloud, known: Known, stack: str) -> Question:
    """How many workers: the preset's number."""
    return Question(
        "workers",
        "--workers",
        "How many workers, the machines that run your pods? More can be added at any time.",
        _count,
        str(PRESETS[known["preset"]]["workers"]["general"]["count"]),
    )


def ssh_from(cloud: Cloud, known: Known, stack: str) -> Question:
    """Who may log in: with production no default, and everybody only when that is said in a word."""
    production = known["preset"] == "production"

    def parse(text: str) -> tuple[str, ...]:
        words = [word for word in text.replace(",", " ").split() if word]
        if not words:
            raise ValueError("must not be empty")
        networks = []
        for word in words:
            try:
                network = ipaddress.IPv4Network("0.0.0.0/0" if word == ANYWHERE else word)
            except ValueError as error:
                raise ValueError(f"is not a range of IPv4 addresses ({error})") from None
            if production and network.prefixlen == 0 and word != ANYWHERE:
                raise ValueError(f"lets the whole internet try to log in; say {ANYWHERE} if that is what you want")
            networks.append(str(network))
        return tuple(dict.fromkeys(networks))

    return Question(
        "ssh_from",
        "--ssh-from",
        "From which addresses may SSH come in? Ranges such as 198.51.100.0/24, with commas between them.",
        parse,
        None if production else ANYWHERE,
        hint="Logins need the platform's key anyway. This machine must be in one of them: Pulumi comes in by SSH.",
    )


def kubernetes(cloud: Cloud, known: Known, stack: str) -> Question:
    """The minor version, or an exact one of it."""

    def parse(text: str) -> str:
        return text if numbers(text) and minor(text) in SUPPORTED else check(text)

    check = _one_of(SUPPORTED, "version that this program begins with")
    return Question(
        "kubernetes",
        "--kubernetes",
        "Which version of Kubernetes?",
        parse,
        DEFAULT_KUBERNETES,
        tuple(Choice(each, f"fixes until {KUBERNETES[each].end_of_life}") for each in SUPPORTED),
    )


def zones(cloud: Cloud, known: Known, stack: str) -> Question:
    """Over which zones machines are spread, where the cloud has several: all in production."""

    def parse(text: str) -> tuple[str, ...]:
        words = text.replace(",", " ").split()
        if words == [CLOUDS_ZONE]:
            return ()
        check = _one_of(names, "availability zone of this cloud")
        return tuple(check(word) for word in words or [""])

    names = cloud.zones or ()
    several = len(names) > 1
    return Question(
        "zones",
        "--zones",
        "Over which availability zones should each role be spread? Names with commas between them.",
        parse,
        ",".join(names) if several and known["preset"] == "production" else CLOUDS_ZONE,
        hint=f"This cloud has {', '.join(names)}; {CLOUDS_ZONE} leaves the choice to it.",
        ask=several,
    )


#: Every question, in the order of asking. Each may build on the answers before it.
QUESTIONS: Final[tuple[Callable[[Cloud, Known, str], Question], ...]] = (
    preset,
    external,
    image,
    *(flavor(role) for role in ROLES),
    workers,
    ssh_from,
    kubernetes,
    zones,
)
