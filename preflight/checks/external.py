"""The external network: that it exists and is external."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.subject import Subject, suggestion
from settings.problem import Problem

KEY = "network.external"


def told(subject: Subject) -> str:
    """Its name and id."""
    network = subject.external
    return f"{network.name} ({network.id})" if network else subject.platform.settings.network.external


def errors(subject: Subject) -> Iterator[Problem]:
    """A network that is not there, is not external, or shares its name with another."""
    networks, name = subject.cloud.networks, subject.platform.settings.network.external
    if networks is None:
        return
    known = {network.name for network in subject.cloud.external_networks}
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
