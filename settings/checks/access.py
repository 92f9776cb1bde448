"""Who may reach the platform, and the names of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final

from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

#: A DNS name, the first label of which may be a wildcard (RFC 6125, section 6.4.3).
_DNS_NAME: Final = re.compile(
    r"(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)*[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
)
#: Longest DNS name (RFC 1035, section 2.3.4).
_LONGEST: Final = 253


def errors(context: Context) -> Iterator[Problem]:
    """Pulumi itself needs SSH and the API, and OpenStack refuses the same rule twice."""
    settings = context.settings
    access = settings.access
    for key, networks, why in (
        ("access.sshCidrs", access.ssh_cidrs, "Pulumi configures every machine by SSH through the gateways"),
        ("access.apiCidrs", access.api_cidrs, "Pulumi installs the addons through the API"),
        ("access.ingressCidrs", access.ingress_cidrs, ""),
    ):
        if why and not networks:
            yield Problem(key, "[]", f"lets nobody in, but {why}", "add the range of the machine that runs Pulumi")
        for index, network in enumerate(networks):
            if network in networks[:index]:
                rule = "is listed twice: OpenStack refuses the same rule twice"
                yield Problem(f"{key}.{index}", str(network), rule, "remove it")
    yield from _certificate_names(settings)


def _certificate_names(settings: PlatformSettings) -> Iterator[Problem]:
    names = settings.api.certificate_names
    for index, name in enumerate(names):
        key = f"api.certificateNames.{index}"
        if name in names[:index]:
            yield Problem(key, name, "is listed twice", "remove it")
        elif not _is_address(name) and (not _DNS_NAME.fullmatch(name) or len(name) > _LONGEST or _numbers_only(name)):
            yield Problem(
                key,
                name,
                "must be a DNS name or an IPv4 address, without scheme, port or path",
                "write it as api.example.org",
            )


def _numbers_only(name: str) -> bool:
    return name.replace(".", "").isdigit()


def _is_address(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True
