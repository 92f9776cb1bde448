"""Checks that need no cloud: each module has rules of one kind, all of them are asked every time.

`problems` of a module is what makes a platform impossible, `warnings` what is allowed but unwise. Rules are pure
functions of checked settings; each names the keys that it looked at, so that a wrong value is not reported twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from settings.addresses import AddressPlan
from settings.checks import (
    access,
    addons,
    backups,
    database,
    etcd,
    kubernetes,
    limits,
    maintenance,
    mirrors,
    moved,
    names,
    networks,
    nodes,
    pools,
    quorum,
    replacement,
    rotation,
    sizes,
    unchangeable,
    versions,
    vips,
    zones,
)
from settings.platform import PlatformSettings
from settings.problem import Problem
from settings.running import Running

#: The day by which versions get fixes or not.
today: Callable[[], date] = date.today

#: In `Problem.others`: whatever says how many machines the pools have, and which pods they take.
ANY_POOL: Final = "workers.*"
SIZES_OF_A_POOL: Final = ("count", "machines", "taints", "firstAddress")


def problems(
    settings: PlatformSettings, cluster: str, plan: AddressPlan | None, running: Running | None
) -> Iterator[Problem]:
    """Everything that makes a platform impossible. `plan` is None where the networks cannot hold the fixed roles."""
    for module in (quorum, pools, networks, access, etcd, nodes, kubernetes, limits, mirrors, addons, database, zones):
        yield from module.problems(settings)
    yield from maintenance.problems(settings)
    yield from backups.problems(settings)
    yield from versions.problems(settings, running)
    yield from rotation.problems(settings, running)
    yield from vips.problems(settings, plan)
    if plan is not None:
        yield from names.problems(settings, plan)
        yield from unchangeable.problems(settings, cluster, plan, running)
        yield from moved.problems(settings, plan, running)
        yield from replacement.problems(settings, plan, running)


def warnings(settings: PlatformSettings, plan: AddressPlan, running: Running | None) -> Iterator[Problem]:
    """What is allowed but unwise."""
    for module in (quorum, sizes, networks, etcd, kubernetes, addons, database, backups, mirrors, zones):
        yield from module.warnings(settings)
    yield from versions.warnings(settings, running, today())
    yield from vips.warnings(settings, plan)
    yield from replacement.warnings(settings, plan, running)
