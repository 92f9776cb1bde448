"""Worker pools: their machines, their parts of the private network, and the labels and taints of their nodes."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Final

from settings.machines import WorkerPoolSettings
from settings.plan import DYNAMIC, WORKERS
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

#: A qualified name: an optional DNS prefix and a slash, then up to 63 characters
#: (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set).
_PREFIX: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LONGEST_PREFIX: Final = 253
_SYNTAX: Final = (
    "must be a name of at most 63 letters, digits, dots, dashes and underscores, with a DNS domain and a slash before "
    "it where it has a prefix"
)
#: Labels of Kubernetes' own namespaces that a kubelet may give itself, and prefixes
#: (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
_ALLOWED: Final = frozenset(
    {
        "beta.kubernetes.io/instance-type",
        "node.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
_ALLOWED_PREFIXES: Final = ("kubelet.kubernetes.io", "node.kubernetes.io")
#: Labels that the kubelet sets itself, different on each node.
_OF_THE_KUBELET: Final = frozenset({"kubernetes.io/hostname", "kubernetes.io/arch", "kubernetes.io/os"})
#: Prefix of this program's own labels.
_OURS: Final = "openstack-paas"
#: Taints of the node controller (https://kubernetes.io/docs/reference/labels-annotations-taints/).
_CONTROLLER_TAINTS: Final = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


def pools_list_their_machines_once(context: Context) -> Iterator[Problem]:
    """By `count` or by `machines`, and each place has one machine."""
    for name, pool in sorted(context.settings.workers.items()):
        key, sizes = f"workers.{name}", _sizes(name)
        if pool.count is not None and pool.machines is not None:
            rule = "cannot be combined with machines, which already say how many there are"
            yield Problem(f"{key}.count", str(pool.count), rule, "keep one of them", sizes)
        if pool.count is None and pool.machines is None:
            yield Problem(key, "", "has neither count nor machines", "set count, 0 for none", sizes)
        holders: dict[int, str] = {}
        for machine, place in sorted((pool.machines or {}).items()):
            if holders.setdefault(place, machine) != machine:
                free = next(number for number in range(len(pool.places) + 1) if number not in pool.places.values())
                rule, fix = f"is already the place of {holders[place]}", f"use a free one, such as {free}"
                yield Problem(f"{key}.machines.{machine}", str(place), rule, fix)


def _sizes(name: str) -> tuple[str, ...]:
    """The keys that say which addresses a pool takes."""
    return tuple(f"workers.{name}.{part}" for part in ("count", "machines", "firstAddress"))


def one_pool_leaves_out_its_first_address(context: Context) -> Iterator[Problem]:
    """With two, their order would be chance."""
    first, *others = _without_address(context.settings) or [""]
    for name in others:
        rule = f"is missing: only one pool may leave it out, and {first} does"
        yield Problem(f"workers.{name}.firstAddress", "", rule, f"set it to {free_start(context.settings, name)}")


def _without_address(settings: PlatformSettings) -> list[str]:
    return [name for name, pool in sorted(settings.workers.items()) if pool.first_address is None]


def _taken(pool: WorkerPoolSettings) -> set[int]:
    return {pool.offset + place for place in pool.places.values()}


def pools_share_no_address(context: Context) -> Iterator[Problem]:
    """Two pools without firstAddress have been reported already."""
    settings = context.settings
    offsets = {name: _taken(pool) for name, pool in sorted(settings.workers.items())}
    without, private = _without_address(settings), settings.network.private
    for one, two in combinations(offsets, 2):
        shared = sorted(offsets[one] & offsets[two])
        if not shared or (one in without and two in without):
            continue
        # The pool with a firstAddress is the one to move. Of two, the later.
        mover, stays = (one, two) if two in without else (two, one)
        count, are = ("the address", "is") if len(shared) == 1 else (f"{len(shared):,} addresses", "are")
        where = str(private[shared[0]]) if len(shared) == 1 else f"from {private[shared[0]]} on"
        rule = f"gives {mover} {count} {where} that {are} {stays}'s"
        fix = f"set it to {free_start(settings, mover)}"
        others = ("network.private", *_sizes(one), *_sizes(two))
        yield Problem(f"workers.{mover}.firstAddress", str(settings.workers[mover].first_address), rule, fix, others)


def free_start(settings: PlatformSettings, name: str) -> str:
    """Where the pool `name` would fit with room for its neighbours to grow, in words: there may be no such place."""
    others: set[int] = set()
    for other, pool in settings.workers.items():
        if other != name and (pool.first_address is not None or other == _without_address(settings)[0]):
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


def nodes_may_have_their_labels_and_taints(context: Context) -> Iterator[Problem]:
    for name, pool in sorted(context.settings.workers.items()):
        for label, value in sorted(pool.labels.items()):
            key = f"workers.{name}.labels.{label}"
            if not _is_qualified(label):
                yield Problem(key, value, _SYNTAX, "write it as example.org/disk-type")
            elif reason := _reserved(label):
                yield Problem(key, value, reason, "use a prefix of your own, such as example.org/")
        yield from _taints(f"workers.{name}.taints", pool.taints)


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and (not _PREFIX.fullmatch(prefix) or len(prefix) > _LONGEST_PREFIX):
        return False
    return bool(_NAME.fullmatch(name))


def _reserved(label: str) -> str:
    """Why a node must not have the label. Empty when it may."""
    prefix = label.rpartition("/")[0]
    if prefix == _OURS or prefix.endswith(f".{_OURS}"):
        return f"has the prefix of this program's own labels, {_OURS}/"
    if label in _OF_THE_KUBELET:
        return "is the kubelet's own label, different on each node"
    restricted = prefix in ("kubernetes.io", "k8s.io") or prefix.endswith((".kubernetes.io", ".k8s.io"))
    allowed = label in _ALLOWED or any(prefix == one or prefix.endswith(f".{one}") for one in _ALLOWED_PREFIXES)
    if restricted and not allowed:
        return "is one that the NodeRestriction admission plugin forbids a kubelet to set"
    return ""


def _taints(key: str, taints: tuple[str, ...]) -> Iterator[Problem]:
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        subject, _, effect = taint.rpartition(":")
        taint_key, _, value = subject.partition("=")
        rule = fix = ""
        if not _is_qualified(taint_key):
            rule, fix = f"its key {_SYNTAX}", "write it as example.org/dedicated=database:NoSchedule"
        elif value and not _NAME.fullmatch(value):
            characters = "at most 63 letters, digits, dots, dashes and underscores"
            rule = f"its value must be {characters}, a letter or digit first and last"
            fix = "choose another value"
        elif taint_key.startswith(_CONTROLLER_TAINTS):
            rule, fix = "is a taint of Kubernetes' own node controller", "use a key of your own"
        elif (taint_key, effect) in seen:
            rule = "has the same key and effect as an earlier one, and Kubernetes accepts one"
            fix = "remove it"
        if rule:
            yield Problem(f"{key}.{index}", taint, rule, fix)
        seen.add((taint_key, effect))
