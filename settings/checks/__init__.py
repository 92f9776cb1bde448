"""The checks that need no cloud: one table of rules, all of which run every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

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
from settings.problem import Problem
from settings.rules import Context, Rule, found

#: The day by which versions are supported or not.
today: Callable[[], date] = date.today

#: In `Problem.others`: whatever says how many machines the pools have, and which pods they take.
ANY_POOL: Final = "workers.*"
SIZES_OF_A_POOL: Final = ("count", "machines", "taints", "firstAddress")

RULES: Final[tuple[Rule[Context], ...]] = (
    Rule("error", quorum.errors),
    Rule("error", pools.errors),
    Rule("error", networks.errors),
    Rule("error", access.errors),
    Rule("error", etcd.errors),
    Rule("error", nodes.errors),
    Rule("error", kubernetes.errors),
    Rule("error", limits.errors),
    Rule("error", mirrors.errors),
    Rule("error", addons.errors),
    Rule("error", database.errors),
    Rule("error", zones.errors),
    Rule("error", maintenance.errors),
    Rule("error", backups.errors),
    Rule("error", backups.missing_secrets),
    Rule("error", versions.errors),
    Rule("error", rotation.errors),
    Rule("error", vips.errors),
    Rule("error", names.errors, needs_plan=True),
    Rule("error", unchangeable.errors, needs_plan=True),
    Rule("error", moved.errors, needs_plan=True),
    Rule("error", replacement.errors, needs_plan=True),
    Rule("warning", quorum.warnings),
    Rule("warning", sizes.warnings),
    Rule("warning", networks.warnings),
    Rule("warning", etcd.warnings),
    Rule("warning", kubernetes.warnings),
    Rule("warning", addons.warnings),
    Rule("warning", database.warnings),
    Rule("warning", backups.warnings),
    Rule("warning", mirrors.warnings),
    Rule("warning", zones.warnings),
    Rule("warning", versions.warnings),
    Rule("warning", vips.warnings),
    Rule("warning", replacement.warnings, needs_plan=True),
)


def errors(context: Context) -> Iterator[Problem]:
    """Everything that makes a platform impossible."""
    return found([rule for rule in RULES if context.planned or not rule.needs_plan], "error", context)


def warnings(context: Context) -> Iterator[Problem]:
    """What is allowed but unwise; there is a plan by then."""
    return found(RULES, "warning", context)
