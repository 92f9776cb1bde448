"""The timeline of a run of the engine: what each resource took, and the chain of them that decided how long all took.

From the engine's event log (`PULUMI_DEBUG_COMMANDS=1 pulumi up --event-log FILE`; times in whole seconds) and the
dependencies in the stack's state (`pulumi stack export`).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ops.shared.errors import OpsError

DELETIONS = frozenset({"delete", "delete-replaced", "discard", "discard-replaced"})
UNCHANGED = frozenset({"same", "read", "refresh"})
#: Events of a resource: its operation begins, ends, fails.
BEGINS, ENDS, FAILS = "resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"
#: The log's times are whole seconds, so a predecessor may seem to end this much after its successor began.
RESOLUTION_SECONDS = 1.0


class TimelineError(OpsError):
    """The event log or the state cannot be read."""


@dataclass(frozen=True)
class Step:
    """One operation on one resource; seconds since the run began."""

    urn: str
    operation: str
    start: float
    end: float
    failed: bool = False

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def type(self) -> str:
        """The resource's own type, such as openstack:compute/instance:Instance."""
        return self.urn.split("::")[2].rsplit("$", 1)[-1]

    @property
    def short_type(self) -> str:
        """Instance, of openstack:compute/instance:Instance."""
        return self.type.rsplit(":", 1)[-1]


@dataclass(frozen=True)
class Run:
    """All steps in order of their start, the critical path in order, and the length of the run in seconds."""

    steps: list[Step]
    critical: list[Step]
    seconds: float
    by_dependencies: bool
    """False when the path was guessed from times alone, because no state was given."""


@dataclass(frozen=True)
class Graph:
    """Who waits for whom, by URN. A component counts as everything below it."""

    before: Mapping[str, set[str]]
    """What has to exist before this resource."""
    after: Mapping[str, set[str]]
    """What has to be gone before this resource may be deleted."""


def read(log: Path, state: Path | None = None) -> Run:
    """The run in an event log. Raises TimelineError."""
    try:
        steps, seconds = steps_of(events(log.read_text()))
    except OSError as error:
        raise TimelineError(f"{log}: {error.strerror}") from error
    if not steps:
        raise TimelineError(f"{log}: no resource was changed in this run")
    graph = None
    if state:
        try:
            graph = graph_of(json.loads(state.read_text()))
        except (OSError, json.JSONDecodeError) as error:
            raise TimelineError(f"{state}: {error}") from error
    return Run(steps, critical_path(steps, graph), seconds, graph is not None)


def events(text: str) -> Iterator[Mapping[str, Any]]:
    """The events of an engine's log (JSON lines)."""
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue  # the last line of a run that was killed
        if isinstance(event, dict):
            yield event


def steps_of(log: Iterable[Mapping[str, Any]]) -> tuple[list[Step], float]:
    """The steps of resources that a provider worked on, and the length of the run; components only group others."""
    timed = [event for event in log if event.get("timestamp")]
    times = [float(event["timestamp"]) for event in timed]
    length = times[-1] - times[0] if times else 0
    started: dict[tuple[str, str], float] = {}
    steps = []
    for event, time in zip(timed, times, strict=True):
        for kind in event.keys() & {BEGINS, ENDS, FAILS}:
            metadata, now = event[kind]["metadata"], time - times[0]
            urn, operation = key = (metadata["urn"], metadata["op"])
            state = metadata.get("new") or metadata.get("old") or {}
            # The engine leaves `custom` out where it is false: components, and the stack itself.
            if operation in UNCHANGED or "::pulumi:providers:" in urn or not state.get("custom"):
                continue
            if kind == BEGINS:
                started[key] = now
            elif key in started:
                steps.append(Step(urn, operation, started.pop(key), now, kind == FAILS))
    # What the run broke off in the middle of lasts until its end.
    steps += [Step(*key, start, length, failed=True) for key, start in started.items()]
    return sorted(steps, key=lambda step: (step.start, step.end, step.urn)), length


def graph_of(state: Mapping[str, Any]) -> Graph:
    """Dependencies from `pulumi stack export`. Raises TimelineError."""
    resources = (state.get("deployment") or {}).get("resources")
    if resources is None:
        raise TimelineError("the state has no deployment.resources: is it from `pulumi stack export`?")
    children: dict[str, set[str]] = defaultdict(set)
    for resource in resources:
        children[resource.get("parent", "")].add(resource["urn"])

    def below(urn: str) -> set[str]:
        return children.get(urn, set()).union(*map(below, children.get(urn, ())))

    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = defaultdict(set)
    for resource in resources:
        urn, by_property = resource["urn"], resource.get("propertyDependencies") or {}
        needs = set(chain(resource.get("dependencies") or (), *filter(None, by_property.values())))
        if resource.get("provider"):
            needs.add(resource["provider"].rsplit("::", 1)[0])
        before[urn] = needs.union(*map(below, needs)) - {urn}
        after[urn] |= below(urn)
        for other in before[urn]:
            after[other].add(urn)
    return Graph(before, after)


def critical_path(steps: list[Step], graph: Graph | None) -> list[Step]:
    """Back from the step that ended last: before each, the one it waited for that ended last."""
    path = [max(steps, key=lambda step: (step.end, step.start))]
    while True:
        current, candidates = path[-1], steps
        if graph:
            waits = graph.after if current.operation in DELETIONS else graph.before
            candidates = [step for step in steps if step.urn in waits.get(current.urn, ()) or step.urn == current.urn]
        latest, limit = current.start + RESOLUTION_SECONDS, current.start
        earlier = [one for one in candidates if one not in path and one.end <= latest and one.start <= limit]
        if not earlier:
            return path[::-1]
        path.append(max(earlier, key=lambda step: (step.end, -step.start)))
