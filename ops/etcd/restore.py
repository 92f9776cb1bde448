"""A restore over all machines, step by step. Each step may be run again; the members' notes say how far each one is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ops.etcd import remote
from ops.etcd.kubernetes_check import Follower, until
from ops.etcd.plan import Member, Plan
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import SshError

#: Longest steps: a proof of a large snapshot, a join that copies a large database.
DATA_SECONDS = 1800
API_SECONDS = 180
FOLLOW_SECONDS = 180
NEW_SECONDS = 30


@dataclass(frozen=True)
class Survey:
    """What is there: members and control planes that answer, and the names of those that do not."""

    members: dict[str, Member]
    control_planes: list[Machine]
    away: list[str]
    problems: list[str]


def survey(outputs: Outputs, ssh: remote.SshAccess) -> Survey:
    """Asks every member and every control plane. What cannot be reached is in the answer, not an error."""
    members: dict[str, Member] = {}
    control_planes: list[Machine] = []
    away: list[str] = []
    problems: list[str] = []
    for machine in outputs.role("etcd"):
        try:
            look = remote.read(ssh, machine, f"{remote.MEMBER}/etcd-restore.sh look")
            members[machine.name] = Member.parse(look)
        except SshError as error:
            away.append(machine.name)
            problems.append(str(error))
    for machine in outputs.role("control-plane"):
        try:
            remote.call(ssh, machine, f"{remote.CONTROL_PLANE}/api-server.sh state")
            control_planes.append(machine)
        except SshError as error:
            problems.append(str(error))
    return Survey(members, control_planes, away, problems)


@dataclass
class Restore:
    """One restore. `identity` is an age identity for an encrypted snapshot; only age on the first member gets it."""

    outputs: Outputs
    ssh: remote.SshAccess
    follow: Follower
    plan: Plan
    found: Survey
    say: Callable[[str], None]
    identity: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    """What each step took, in order."""
    _since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> None:
        """All steps. Raises SshError and ClusterError; then it goes on where it was when it is run again."""
        works = self._serves()
        # At once: what an API server still writes is lost either way, and none of them serves a restored etcd.
        self._step("etcd stopped" if works else "API servers and etcd stopped", lambda: self._stop(api=not works))
        self._step("snapshot at hand", self._snapshot)
        self._step(f"data in place on {self.plan.first}", self._place)
        self._step("API servers back", self._start_api)
        for name in self._others():
            self._step(f"{name} joined", lambda name=name: self._join(name))  # type: ignore[misc]
        self._step("nodes and controllers follow", self._followed)
        self._step("a snapshot of what is there now", self._new_snapshot)
        self._step("notes removed", self._finish)

    def _step(self, name: str, action: Callable[[], None]) -> None:
        began = time.monotonic()
        action()
        self.seconds[name] = round(time.monotonic() - began, 1)
        self.say(f"{name}: {self.seconds[name]} s")

    def _serves(self) -> bool:
        """Whether an earlier run has come as far as a first member that serves the restored data."""
        first = self.found.members[self.plan.first]
        return first.stage == "placed" and first.healthy

    def _others(self) -> Collection[str]:
        return [name for name in self.found.members if name != self.plan.first]

    def _member(self, name: str, word: str, stdin: str = "", seconds: float = 180) -> None:
        command = f"{remote.MEMBER}/etcd-restore.sh {word}"
        remote.call(self.ssh, self.outputs.machine(name), command, stdin, seconds)

    def _stop(self, api: bool) -> None:
        with ThreadPoolExecutor(max_workers=2) as pool:
            running = [pool.submit(self._stop_members)] + ([pool.submit(self._stop_api)] if api else [])
        for one in running:
            one.result()

    def _stop_api(self) -> None:
        remote.at_once(self.ssh, self.found.control_planes, f"{remote.CONTROL_PLANE}/api-server.sh stop")

    def _stop_members(self) -> None:
        reached = [self.outputs.machine(name) for name in self.found.members]
        plan = json.dumps(self.plan.document)
        remote.at_once(self.ssh, reached, f"{remote.MEMBER}/etcd-restore.sh stop", plan)

    def _snapshot(self) -> None:
        self._member(self.plan.first, "snapshot", self.identity, DATA_SECONDS)

    def _place(self) -> None:
        self._member(self.plan.first, "place", seconds=DATA_SECONDS)
        self._converge(self.plan.first)

    def _converge(self, name: str) -> None:
        remote.call(self.ssh, self.outputs.machine(name), f"{remote.MEMBER}/converge", seconds=DATA_SECONDS)

    def _start_api(self) -> None:
        remote.at_once(self.ssh, self.found.control_planes, f"{remote.CONTROL_PLANE}/api-server.sh start")
        if self.found.control_planes:
            until(self.follow.api, "the API serves", API_SECONDS)
        self._since = datetime.now(UTC)

    def _join(self, name: str) -> None:
        self._member(name, "empty")
        self._converge(name)

    def _followed(self) -> None:
        if not self.found.control_planes:
            return
        until(lambda: self.follow.nodes(self._since), "every node reports", FOLLOW_SECONDS)
        until(lambda: self.follow.controllers(self._since), "the controllers lead", FOLLOW_SECONDS)
        until(self.follow.write, "a new object is seen", NEW_SECONDS)

    def _new_snapshot(self) -> None:
        command = f"{remote.MEMBER}/etcd-backup.sh --reason restore --no-copies"
        remote.call(self.ssh, self.outputs.machine(self.plan.first), command, seconds=remote.SNAPSHOT_SECONDS)

    def _finish(self) -> None:
        # The first member last: as long as it has notes, another run goes on with this restore.
        for name in (*self._others(), self.plan.first):
            self._member(name, "finish")
