"""Checks that need no cloud: each module has rules of one kind, all of them are asked every time."""

from __future__ import annotations

from collections.abc import Iterator

from settings.addresses import AddressPlan
from settings.checks import quorum
from settings.platform import PlatformSettings
from settings.problem import Problem
from settings.running import Running


def problems(
    settings: PlatformSettings, cluster: str, plan: AddressPlan | None, running: Running | None
) -> Iterator[Problem]:
    """Everything that makes a platform impossible. `plan` is None where the networks cannot hold the fixed roles."""
    yield from quorum.problems(settings)


def warnings(settings: PlatformSettings, plan: AddressPlan) -> Iterator[Problem]:
    """What is allowed but unwise."""
    yield from ()
