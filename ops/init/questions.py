"""The questions of `paas init`, from what the cloud has and the answers so far."""

import difflib
import ipaddress
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ops.init import cloud_offers
from preflight.checks.flavors import NODE_DISK_GIB
from preflight.cloud import Cloud
from settings.checks.versions import SUPPORTED
from settings.presets import PRESETS
from settings.resolved import numbers
from settings.versions import DEFAULT_KUBERNETES, KUBERNETES, minor

#: What each preset is for, in a line.
PURPOSES: Final = {
    "education": "to learn and try: the fewest and smallest machines, nothing is redundant",
    "dev": "to develop and test on: one gateway and control plane, room for workloads, may fail and be rebuilt",
    "production": "to serve people: two gateways, three members of etcd, three control planes, protected data",
}
#: The word for every address: it confirms that the whole internet may try to log in.
ANYWHERE: Final = "anywhere"
#: The word for the zone that the cloud chooses.
CLOUDS_ZONE: Final = "default"
#: The system that the program is tested on; its images come first (README).
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
    def answer(self) -> str:
        """Name of the answer with its flavor."""
        return f"{self.name.replace('-', '_')}_flavor"


#: Sizes: kubeadm wants 2 vCPU and 2 GiB before any addon (https://kubernetes.io/docs/setup, installing kubeadm), etcd
#: 2 cores (https://etcd.io/docs/v3.6/op-guide/hardware/); a gateway runs haproxy and keepalived. The memory is twice
#: that, to begin with; preflight/checks/flavors.py knows what is too little.
ROLES: Final = (
    Role("gateway", "gateways", 1, 1024),
    Role("etcd", "etcd", 2, 2048),
    Role("control-plane", "controlPlanes", 2, 4096, NODE_DISK_GIB),
    Role("worker", "workers", 2, 4096, NODE_DISK_GIB),
)


@dataclass(frozen=True)
class Question:
    """One question. `parse` turns a text into the answer; its ValueError has the rule that the text breaks."""

    name: str
    """Name of the answer; the flag has the same name."""
    text: str
    parse: Callable[[str], Any]
    default: str | None = None
    """None when there is no default."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """The answers on offer, each with what it means."""
    hint: str = ""
    ask: bool = True
    """Whether people are asked at all; otherwise the default is taken unless the flag is given."""

    @property
    def flag(self) -> str:
        """The option that gives the answer on the command line."""
        return f"--{self.name.replace('_', '-')}"


def _one_of(known: Collection[str], what: str, text: str) -> str:
    """`text`, which must be one of `known`; any word is good when nothing is known."""
    if not text:
        raise ValueError("must not be empty")
    if known and text not in known:
        near = difflib.get_close_matches(text, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join([*known][:SHOWN])}"
        raise ValueError(f"is not {'an' if what[0] in 'aeiou' else 'a'} {what}; {hint}")
    return text


def _worker_count(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 5000:
        raise ValueError("must be a number from 0 to 5000")
    return int(text)


def _ranges(production: bool, text: str) -> tuple[str, ...]:
    """Ranges of IPv4 addresses. With production, only ANYWHERE means everybody."""
    networks = []
    for word in text.replace(",", " ").split():
        try:
            network = ipaddress.IPv4Network("0.0.0.0/0" if word == ANYWHERE else word)
        except ValueError as error:
            raise ValueError(f"is not a range of IPv4 addresses ({error})") from None
        if production and network.prefixlen == 0 and word != ANYWHERE:
            raise ValueError(f"lets the whole internet try to log in; say {ANYWHERE} if that is what you want")
        networks.append(str(network))
    if not networks:
        raise ValueError("must not be empty")
    return tuple(dict.fromkeys(networks))


def _version(text: str) -> str:
    """A minor version, or an exact one of it."""
    if numbers(text) and minor(text) in SUPPORTED:
        return text
    return _one_of(SUPPORTED, "version that this program begins with", text)


def _zones(known: Collection[str], text: str) -> tuple[str, ...]:
    """Names of zones; none of them when the cloud chooses."""
    words = text.replace(",", " ").split()
    if words == [CLOUDS_ZONE]:
        return ()
    return tuple(_one_of(known, "availability zone of this cloud", word) for word in words or [""])


def which_cloud(names: list[str]) -> Question:
    """Which entry of clouds.yaml: the only one, if there is only one."""
    return Question(
        "cloud",
        "Which cloud of clouds.yaml?",
        partial(_one_of, names, "cloud of clouds.yaml"),
        names[0] if len(names) == 1 else None,
        dict.fromkeys(names, ""),
    )


def questions(cloud: Cloud, stack: str, answers: Mapping[str, Any]) -> Iterator[Question]:
    """Every question in the order of asking. Put each answer into `answers` before you take the next question."""
    yield Question(
        "preset",
        "What is the platform for?",
        partial(_one_of, PRESETS, "preset"),
        "production" if stack.startswith("prod") else "dev",
        PURPOSES,
    )
    networks = dict.fromkeys((network.name for network in cloud.external_networks), "")
    yield Question(
        "external",
        "Which network leads outside? Floating IPs come from it.",
        partial(_one_of, networks, "external network that this project sees"),
        "public" if "public" in networks else next(iter(networks), None),
        networks,
        ask=len(networks) != 1,
    )
    images = cloud_offers.image_candidates(cloud)
    proven = [image for image in images if cloud_offers.system(image.name) == PROVEN_SYSTEM]
    yield Question(
        "image",
        "Which image should the machines start from? It needs cloud-init, apt and a user who may sudo.",
        partial(_one_of, [image.name for image in cloud.images or ()], "image that this project sees"),
        next((image.name for image in [*proven, *images]), None),
        {image.name: image.created[:10] for image in images[:SHOWN]},
        hint="Debian 12 is what this program is tested on.",
    )
    for role in ROLES:
        fitting = cloud_offers.fitting_flavors(cloud, role.vcpus, role.ram_mib, role.disk_gib, answers.get("image", ""))
        size = f"{role.vcpus} vCPU and {role.ram_mib / 1024:.3g} GiB of memory"
        yield Question(
            role.answer,
            f"Which flavor for {'an' if role.name == 'etcd' else 'a'} {role.name} machine? It should have {size}.",
            partial(_one_of, [flavor.name for flavor in cloud.flavors or ()], "flavor that this project sees"),
            fitting[0].name if fitting else None,
            {flavor.name: cloud_offers.describe(flavor) for flavor in fitting[:SHOWN]},
            hint="" if fitting or cloud.flavors is None else f"No flavor of this cloud has {size}.",
        )
    # Without a valid answer the flags after it are still checked.
    preset = answers.get("preset", "dev")
    production = preset == "production"
    yield Question(
        "workers",
        "How many workers, the machines that run your pods? More can be added at any time.",
        _worker_count,
        str(PRESETS[preset]["workers"]["general"]["count"]),
    )
    yield Question(
        "ssh_from",
        "From which addresses may SSH come in? Ranges such as 198.51.100.0/24, with commas between them.",
        partial(_ranges, production),
        None if production else ANYWHERE,
        hint="Logins need the platform's key anyway. This machine must be in one of them: Pulumi comes in by SSH.",
    )
    yield Question(
        "kubernetes",
        "Which version of Kubernetes?",
        _version,
        DEFAULT_KUBERNETES,
        {each: f"fixes until {KUBERNETES[each].end_of_life}" for each in SUPPORTED},
    )
    zones = cloud.zones or ()
    yield Question(
        "zones",
        "Over which availability zones should each role be spread? Names with commas between them.",
        partial(_zones, zones),
        ",".join(zones) if production and len(zones) > 1 else CLOUDS_ZONE,
        hint=f"This cloud has {', '.join(zones)}; {CLOUDS_ZONE} leaves the choice to it.",
        ask=len(zones) > 1,
    )
