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
        rule = f"{len(external)} external networks have that name ({ids})"
        yield Problem(KEY, name, rule, "ask for all but one of them to be renamed")
    elif same:
        rule = "is not an external network: floating IPs do not come from it"
        yield Problem(KEY, name, rule, suggestion(name, known))
    else:
        yield Problem(KEY, name, "this project sees no external network of that name", suggestion(name, known))
