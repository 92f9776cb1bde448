"""Worker pools: how many machines, and which part of the private network each takes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from settings.machines import WorkerPoolSettings
from settings.plan import DYNAMIC, WORKERS
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context


def errors(context: Context) -> Iterator[Problem]:
    """Problems of each pool, and between two pools."""
    settings = context.settings
    for name, pool in sorted(settings.workers.items()):
        yield from _itself(name, pool)
    yield from _without_address(settings)
    yield from _collisions(settings)


def _sizes(name: str) -> tuple[str, ...]:
    """The keys that say which addresses a pool takes."""
    return tuple(f"workers.{name}.{part}" for part in ("count", "machines", "firstAddress"))


def _itself(name: str, pool: WorkerPoolSettings) -> Iterator[Problem]:
    key = f"workers.{name}"
    sizes = _sizes(name)
    if pool.count is not None and pool.machines is not None:
        yield Problem(
            f"{key}.count",
            str(pool.count),
            "cannot be combined with machines, which already say how many there are",
            "keep one of them",
            sizes,
        )
    if pool.count is None and pool.machines is None:
        yield Problem(key, "", "has neither count nor machines", "set count, 0 for none", sizes)
    holders: dict[int, str] = {}
    for machine, place in sorted((pool.machines or {}).items()):
        if place in holders:
            free = next(number for number in range(len(pool.places) + 1) if number not in pool.places.values())
            yield Problem(
                f"{key}.machines.{machine}",
                str(place),
                f"is already the place of {holders[place]}",
                f"use a free one, such as {free}",
            )
        holders.setdefault(place, machine)


def _without_address(settings: PlatformSettings) -> Iterator[Problem]:
    """Only one pool may leave its first address to the plan. With two, their order would be chance."""
    without = [name for name, pool in sorted(settings.workers.items()) if pool.first_address is None]
    for name in without[1:]:
        yield Problem(
            f"workers.{name}.firstAddress",
            "",
            f"is missing: only one pool may leave it out, and {without[0]} does",
            f"set it to {free_start(settings, name)}",
        )


def _taken(pool: WorkerPoolSettings) -> set[int]:
    start = WORKERS if pool.first_address is None else pool.first_address
    return {start + place for place in pool.places.values()}


def _collisions(settings: PlatformSettings) -> Iterator[Problem]:
    """Pools that share addresses. Two without firstAddress have been reported already."""
    offsets = {name: _taken(pool) for name, pool in sorted(settings.workers.items())}
    private = settings.network.private
    for (one, first), (two, second) in combinations(offsets.items(), 2):
        shared = sorted(first & second)
        missing = [name for name in (one, two) if settings.workers[name].first_address is None]
        if not shared or len(missing) == 2:
            continue
        # The pool with a firstAddress is the one to move. Of two, the later.
        mover = one if missing == [two] else two
        stays = two if mover == one else one
        count = f"{len(shared):,} addresses" if len(shared) > 1 else "the address"
        first_shared = f" from {private[shared[0]]} on" if len(shared) > 1 else f" {private[shared[0]]}"
        yield Problem(
            f"workers.{mover}.firstAddress",
            str(settings.workers[mover].first_address),
            f"gives {mover} {count}{first_shared} that {'are' if len(shared) > 1 else 'is'} {stays}'s",
            f"set it to {free_start(settings, mover)}",
            others=("network.private", *_sizes(one), *_sizes(two)),
        )


def free_start(settings: PlatformSettings, name: str) -> str:
    """Where the pool `name` would fit with room for its neighbours to grow, in words: there may be no such place."""
    others: set[int] = set()
    for other, pool in settings.workers.items():
        if other != name and (pool.first_address is not None or other == _first_without(settings)):
            others |= _taken(pool)
    size = max(settings.workers[name].places.values(), default=0) + 1
    end = settings.network.private.num_addresses - 1 - DYNAMIC
    highest = max(others, default=WORKERS - 1) + 1
    # Twice the current size, rounded up. Less where the network is small.
    roomy = -(-(WORKERS + 2 * (highest - WORKERS)) // 32) * 32
    for start in (roomy, *range(-(-highest // 16) * 16, end, 16), *range(WORKERS, end)):
        if start + size <= end and others.isdisjoint(range(start, start + size)):
            return str(start)
    return "a free one in a larger network.private"


def _first_without(settings: PlatformSettings) -> str:
    return next((name for name, pool in sorted(settings.workers.items()) if pool.first_address is None), "")
