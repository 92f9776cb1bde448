"""Where a change of the platform is: which nodes are being changed now, and what runs in more than one version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: Set by machines/kubernetes/rollout.sh for as long as a node is being changed.
ANNOTATION = "openstack-paas/change"


@dataclass(frozen=True)
class Change:
    """What is done to a node now, and since when (Unix seconds)."""

    what: str
    since: float


@dataclass(frozen=True)
class Progress:
    """Something that runs in more than one version, or in another than the stack's outputs say."""

    of: str
    """Of what the versions are: Kubernetes, etcd, haproxy, ..."""
    before: str
    after: str
    done: int
    count: int
    noun: str
    """What was counted: nodes, members, ..."""

    def __str__(self) -> str:
        return f"{self.of} {self.before} -> {self.after}: {self.done} of {self.count} {self.noun}"


def change(item: Mapping[str, Any]) -> Change | None:
    """From a Node of the API; None for one that is not being changed."""
    text = (item["metadata"].get("annotations") or {}).get(ANNOTATION)
    if not text:
        return None
    try:
        said = json.loads(text)
        return Change(str(said["what"]), datetime.fromisoformat(said["since"]).timestamp())
    except (KeyError, TypeError, ValueError):
        # Of another release: that something is under way is shown all the same.
        return Change("something that this release does not know", 0)


def progress(of: str, noun: str, versions: Iterable[str], wanted: str = "") -> Iterator[Progress]:
    """At most one. Versions that are not known are empty, and counted nowhere."""
    found = [version for version in versions if version]
    different = sorted({*found, *filter(None, [wanted])}, key=_numbers)
    if found and len(different) > 1:
        yield Progress(of, different[0], different[-1], found.count(different[-1]), len(found), noun)


def _numbers(version: str) -> tuple[list[int], str]:
    """For the order of versions: 1.9 is before 1.10."""
    return [int(number) for number in re.findall(r"\d+", version)], version
