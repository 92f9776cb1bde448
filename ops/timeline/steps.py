"""The timeline of a run of the engine: what each resource took, and the chain of them that decided how long all took.

From the engine's event log (`PULUMI_DEBUG_COMMANDS=1 pulumi up --event-log FILE`; times in whole seconds) and the
dependencies in the stack's state (`pulumi stack export`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.shared.errors import OpsError

DELETIONS = frozenset({"delete", "delete-replaced", "discard", "discard-replaced"})
UNCHANGED = frozenset({"same", "read", "refresh"})
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
    """Who waits for whom, by URN: dependencies, and the parents of components."""

    dependencies: Mapping[str, frozenset[str]]
    children: Mapping[str, frozenset[str]]

    def before(self, urn: str) -> set[str]:
        """What has to be there before this resource, the children of components taken for the components."""
        found: set[str] = set()
        for dependency in self.dependencies.get(urn, frozenset()):
            found |= {dependency} | self._below(dependency)
        return found - {urn}

    def after(self, urn: str) -> set[str]:
        """What has to be gone before this resource may be deleted."""
        return {other for other in self.dependencies if urn in self.before(other)} | self._below(urn)

    def _below(self, urn: str) -> set[str]:
        found: set[str] = set()
        waiting = list(self.children.get(urn, ()))
        while waiting:
            child = waiting.pop()
            if child not in found:
                found.add(child)
                waiting += self.children.get(child, ())
        return found


def _lines(log: Path) -> Iterable[dict[str, Any]]:
    try:
        text = log.read_text()
    except OSError as error:
        raise TimelineError(f"{log}: {error.strerror}") from error
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue  # the last line of a run that was killed
        if isinstance(event, dict):
            yield event


def steps_of(events: Iterable[Mapping[str, Any]]) -> tuple[list[Step], float]:
    """The steps of resources that a provider worked on, and the length of the run; components only group others."""
    first = last = None
    started: dict[tuple[str, str], float] = {}
    steps = []
    for event in events:
        now = float(event.get("timestamp") or 0)
        if not now:
            continue
        first = now if first is None else first
        last = now
        for kind in ("resourcePreEvent", "resOutputsEvent", "resOpFailedEvent"):
            if kind not in event:
                continue
            metadata = event[kind]["metadata"]
            state = metadata.get("new") or metadata.get("old") or {}
            # The engine leaves `custom` out where it is false: components, and the stack itself.
            provider = "::pulumi:providers:" in metadata["urn"]
            if metadata["op"] in UNCHANGED or provider or not state.get("custom"):
                continue
            key = (metadata["urn"], metadata["op"])
            if kind == "resourcePreEvent":
                started[key] = now
            elif key in started:
                begin = started.pop(key)
                steps.append(Step(*key, begin - first, now - first, kind == "resOpFailedEvent"))
    # What the run broke off in the middle of lasts until its end.
    length = (last or 0) - (first or 0)
    steps += [Step(*key, begin - (first or 0), length, True) for key, begin in started.items()]
    return sorted(steps, key=lambda step: (step.start, step.end, step.urn)), length


def graph_of(state: Mapping[str, Any]) -> Graph:
    """Dependencies from `pulumi stack export`. Raises TimelineError."""
    resources = (state.get("deployment") or {}).get("resources")
    if resources is None:
        raise TimelineError("the state holds no deployment.resources: is it from `pulumi stack export`?")
    children: dict[str, set[str]] = defaultdict(set)
    dependencies = {}
    for resource in resources:
        urn = resource["urn"]
        found = set(resource.get("dependencies") or ())
        for each in (resource.get("propertyDependencies") or {}).values():
            found |= set(each or ())
        if resource.get("provider"):
            found.add(resource["provider"].rsplit("::", 1)[0])
        dependencies[urn] = frozenset(found)
        if resource.get("parent"):
            children[resource["parent"]].add(urn)
    return Graph(dependencies, {urn: frozenset(below) for urn, below in children.items()})


def critical_path(steps: list[Step], graph: Graph | None) -> list[Step]:
    """Back from the step that ended last: before each, the one it waited for that ended last."""
    if not steps:
        return []
    by_urn: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        by_urn[step.urn].append(step)
    current = max(steps, key=lambda step: (step.end, step.start))
    path = [current]
    while True:
        if graph is None:
            candidates = list(steps)
        else:
            waited_for = graph.after(current.urn) if current.operation in DELETIONS else graph.before(current.urn)
            candidates = [step for urn in waited_for | {current.urn} for step in by_urn.get(urn, ())]
        candidates = [
            step
            for step in candidates
            if step not in path and step.end <= current.start + RESOLUTION_SECONDS and step.start <= current.start
        ]
        if not candidates:
            return path[::-1]
        current = max(candidates, key=lambda step: (step.end, -step.start))
        path.append(current)


def read(log: Path, state: Path | None = None) -> Run:
    """The run in an event log. Raises TimelineError."""
    steps, seconds = steps_of(_lines(log))
    if not steps:
        raise TimelineError(f"{log}: no resource was changed in this run")
    graph = None
    if state:
        try:
            graph = graph_of(json.loads(state.read_text()))
        except (OSError, json.JSONDecodeError) as error:
            raise TimelineError(f"{state}: {error}") from error
    return Run(steps, critical_path(steps, graph), seconds, graph is not None)
