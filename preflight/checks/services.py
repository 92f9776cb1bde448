"""Which services the cloud has, and which of them answer."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.context import Context
from settings.problem import Problem

#: Types of services in keystone's catalog that no platform goes without, with what they are.
NEEDED = {"compute": "nova", "network": "neutron", "image": "glance"}
#: Facts without which nothing can be planned: their ids are inputs of resources.
ESSENTIAL = ("flavors", "images", "networks")


def summary(context: Context) -> str:
    """The services of the catalog."""
    return ", ".join(sorted(context.cloud.services))


def errors(context: Context) -> Iterator[Problem]:
    """A missing service, or one that does not list what everything depends on."""
    services = context.cloud.services
    for service, project in NEEDED.items():
        if service not in services:
            yield Problem(
                "OpenStack",
                service,
                f"there is no such service ({project}) in the region; its catalog has {summary(context) or 'none'}",
                "check the region (OS_REGION_NAME or region_name in clouds.yaml)",
            )
    if not services >= NEEDED.keys():
        return
    for unknown in context.cloud.unknown:
        if unknown.what in ESSENTIAL:
            fix = "make sure that the user may list them"
            yield Problem("OpenStack", unknown.what, f"cannot be listed ({unknown.reason})", fix)


def warnings(context: Context) -> Iterator[Problem]:
    """Facts that stay unknown; what they would have shown is found by `pulumi up` only."""
    for unknown in context.cloud.unknown:
        if unknown.what not in ESSENTIAL:
            yield Problem(
                "OpenStack",
                unknown.what,
                f"could not be asked ({unknown.reason}), so nothing about it is checked",
                "make sure that the service is up and that the user may list them",
            )
