"""The external network: that it exists and is external."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.context import Context, suggestion
from settings.problem import Problem

KEY = "network.external"


def summary(context: Context) -> str:
    """Its name and id."""
    network = context.external
    return f"{network.name} ({network.id})" if network else context.settings.network.external


def errors(context: Context) -> Iterator[Problem]:
    """A network that is not there, is not external, or shares its name with another."""
    networks, name = context.cloud.networks, context.settings.network.external
    if networks is None:
        return
    known = {network.name for network in context.cloud.external_networks}
    same = [network for network in networks if network.name == name]
    external = [network for network in same if network.external]
    if len(external) == 1:
        return
    if external:
        ids = ", ".join(network.id for network in external)
        yield Problem(
            KEY, name, f"{len(external)} external networks bear that name ({ids})", "have all but one of them renamed"
        )
    elif same:
        yield Problem(KEY, name, "is no external network: floating IPs do not come from it", suggestion(name, known))
    else:
        yield Problem(KEY, name, "the cloud shows this project no such external network", suggestion(name, known))
