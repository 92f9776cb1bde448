"""What the cloud must already have: external network, flavors, images, a floating IP. Asked before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pulumi_openstack import compute, images, networking

from settings.platform import Platform
from settings.problem import Problem, SettingsError


@dataclass(frozen=True)
class Catalog:
    """Ids by name of what the settings name."""

    external_network_id: str
    flavors: dict[str, str]
    images: dict[str, str]
    external_subnet_id: str = ""
    """The subnet of the external network on which the gateways stand, with `publicVip: provider-network`."""


#: Words by which gophercloud says that it has no credentials, cannot reach keystone, or was not let in.
_NO_ENTRY = (
    "clouds.yaml",
    "auth_url",
    "Authentication failed",
    "401",
    "Unable to authenticate",
    "dial tcp",
    "no such host",
)


def _reason(error: Exception) -> str:
    """The provider's own words, without the engine's frame around them."""
    lines = [line.strip(" *\t") for line in str(error).strip().splitlines()]
    return next((line for line in reversed(lines) if line), type(error).__name__)


def public_vip_port_name(platform: Platform) -> str:
    """Name of the unbound port that holds the public VIP; by it a floating IP in use is known as our own."""
    return f"{platform.cluster}-public-vip"


class _Questions:
    """Asks the cloud for one thing after another and collects what it does not have."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def ask(self, key: str, value: str, what: str, call: Callable[[], str]) -> str:
        """The answer of `call`, or an empty text and one more problem."""
        try:
            return call()
        except Exception as error:
            reason = _reason(error)
            if any(word in reason for word in _NO_ENTRY):
                raise SettingsError(
                    [
                        Problem(
                            "OpenStack",
                            "",
                            f"cannot be asked ({reason})",
                            "check OS_CLOUD and clouds.yaml, or the OS_* variables",
                        )
                    ]
                ) from None
            command = what.removeprefix("external ")
            self.problems.append(
                Problem(
                    key,
                    value,
                    f"the cloud shows this project no such {what} ({reason})",
                    f"set {key} to one that `openstack {command} list` names",
                )
            )
            return ""


def _flavor_id(name: str) -> str:
    return str(compute.get_flavor(name=name).id)


def _image_id(name: str) -> str:
    return str(images.get_image(name=name, most_recent=True).id)


def look_up(platform: Platform) -> Catalog:
    """Ids of everything in the cloud that the settings name.

    Raises SettingsError that names every key whose value the cloud does not have.
    """
    settings, questions = platform.settings, _Questions()
    external = settings.network.external
    network_id = questions.ask(
        "network.external",
        external,
        "external network",
        lambda: networking.get_network(name=external, external=True).id,
    )
    flavors: dict[str, str] = {}
    image_ids: dict[str, str] = {}
    sections = {"gateways": settings.gateways, "etcd": settings.etcd, "controlPlanes": settings.control_planes}
    for key, machine in {**sections, **{f"workers.{name}": pool for name, pool in settings.workers.items()}}.items():
        if machine.flavor not in flavors:
            flavors[machine.flavor] = questions.ask(
                f"{key}.flavor", machine.flavor, "flavor", partial(_flavor_id, machine.flavor)
            )
        if machine.image not in image_ids:
            image_ids[machine.image] = questions.ask(
                f"{key}.image",
                machine.image,
                "image",
                partial(_image_id, machine.image),
            )
    if settings.network.api_floating_ip is not None:
        questions.problems += _floating_ip_problems(platform, str(settings.network.api_floating_ip))
    if questions.problems:
        raise SettingsError(questions.problems)
    return Catalog(network_id, flavors, image_ids)


def _floating_ip_problems(platform: Platform, address: str) -> list[Problem]:
    """A floating IP that the user brings must be the project's own and serve no other port."""
    key = "network.apiFloatingIp"
    try:
        found = networking.get_floating_ip(address=address)
        if not found.port_id:
            return []
        port = networking.get_port(port_id=found.port_id)
    except Exception as error:
        return [
            Problem(
                key,
                address,
                f"this project owns no such floating IP ({_reason(error)})",
                "allocate it or leave the key out",
            )
        ]
    if port.name == public_vip_port_name(platform):
        return []
    return [
        Problem(
            key,
            address,
            f"is taken, it serves the port {port.name or found.port_id} ({found.fixed_ip})",
            "disassociate it there, name another one, or leave the key out",
        )
    ]
