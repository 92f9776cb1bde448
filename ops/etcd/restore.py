"""A restore over all machines, step by step. Each step may run again; the members' notes say how far each one is."""

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from ops.etcd import plan, remote, snapshots
from ops.etcd.kubernetes_check import Follow, until
from ops.etcd.plan import Member, Plan, RestoreError
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import Ssh, SshError

#: Longest steps: a proof of a large snapshot, a join that copies a large database.
DATA_SECONDS = 1800
API_SECONDS = 180
FOLLOW_SECONDS = 180
NEW_SECONDS = 30


@dataclass(frozen=True)
class Survey:
    """Members and control planes that answer, the names of members that do not, and why machines do not."""

    members: dict[str, Member] = field(default_factory=dict)
    control_planes: list[Machine] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def survey(outputs: Outputs, ssh: Ssh) -> Survey:
    """Asks every member and every control plane. A machine that cannot be reached is in the answer, not an error."""
    found = Survey()
    for machine in outputs.role("etcd"):
        try:
            look = remote.read(ssh, machine, remote.agent("restore", "etcd", step="look"))
            found.members[machine.name] = Member.parse(look)
        except SshError as error:
            found.away.append(machine.name)
            found.problems.append(str(error))
    for machine in outputs.role("control-plane"):
        try:
            remote.call(ssh, machine, remote.agent("api-server", "control-plane", action="status"))
            found.control_planes.append(machine)
        except SshError as error:
            found.problems.append(str(error))
    return found


def choose(outputs: Outputs, ssh: Ssh, found: Survey, gone: Collection[str], name: str = "") -> Plan:
    """The restore that was begun and not ended, checked again, otherwise a new one. Raises RestoreError."""
    members = list(found.members.values())
    chosen = plan.resumed(members)
    if chosen is None:
        listed = snapshots.collect(ssh, [outputs.machine(member.name) for member in members])
        identity = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        return plan.decide(identity, members, found.away, gone, listed, name)
    if chosen.first not in found.members:
        raise RestoreError(f"the restore {chosen.id} was begun on {chosen.first}: bring that machine back")
    return plan.checked_again(chosen, members, found.away, gone, name)


@dataclass
class Restore:
    """One restore. `identity` is an age identity for an encrypted snapshot; only age on the first member gets it."""

    outputs: Outputs
    ssh: Ssh
    follow: Follow
    plan: Plan
    found: Survey
    say: Callable[[str], None]
    identity: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    """What each step took, in order."""
    _since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> None:
        """All steps. Raises SshError and ClusterError; the next run then continues where this one ended."""
        first = self.plan.first
        others = [name for name in self.found.members if name != first]
        # An earlier run may have come as far as a first member that serves the restored data.
        serves = self.found.members[first].stage == "placed" and self.found.members[first].healthy
        steps: list[tuple[str, Callable[[], None]]] = [
            ("etcd stopped" if serves else "API servers and etcd stopped", partial(self._stop, api=not serves)),
            ("snapshot at hand", partial(self._member, first, "snapshot", self.identity, DATA_SECONDS)),
            (f"data in place on {first}", partial(self._converge_after, first, "place", DATA_SECONDS)),
            ("API servers back", self._start_api),
            *((f"{name} joined", partial(self._converge_after, name, "empty")) for name in others),
            ("nodes and controllers follow", self._followed),
            ("a snapshot of what is there now", self._new_snapshot),
            # The first member last: as long as it has notes, another run continues this restore.
            ("notes removed", partial(self._finish, [*others, first])),
        ]
        for name, action in steps:
            began = time.monotonic()
            action()
            self.seconds[name] = round(time.monotonic() - began, 1)
            self.say(f"{name}: {self.seconds[name]} s")

    def _member(self, name: str, step: str, stdin: str = "", seconds: int = remote.STEP_SECONDS) -> None:
        command = remote.agent("restore", "etcd", seconds, step=step)
        remote.call(self.ssh, self.outputs.machine(name), command, stdin)

    def _converge_after(self, name: str, step: str, seconds: int = remote.STEP_SECONDS) -> None:
        self._member(name, step, seconds=seconds)
        remote.call(self.ssh, self.outputs.machine(name), remote.converge("etcd", DATA_SECONDS))

    def _api_servers(self, action: str) -> list[tuple[Machine, remote.Call, str]]:
        command = remote.agent("api-server", "control-plane", remote.STEP_SECONDS, action=action)
        return [(one, command, "") for one in self.found.control_planes]

    def _stop(self, api: bool) -> None:
        """All at once: what an API server still writes is lost either way, and none of them serves a restored etcd."""
        note, stop = json.dumps(self.plan.document), remote.agent("restore", "etcd", remote.STEP_SECONDS, step="stop")
        members = [(self.outputs.machine(name), stop, note) for name in self.found.members]
        remote.at_once(self.ssh, members + (self._api_servers("stop") if api else []))

    def _start_api(self) -> None:
        remote.at_once(self.ssh, self._api_servers("start"))
        if self.found.control_planes:
            until(self.follow.api, "the API serves", API_SECONDS)
        self._since = datetime.now(UTC)

    def _followed(self) -> None:
        if not self.found.control_planes:
            return
        until(lambda: self.follow.nodes(self._since), "every node reports", FOLLOW_SECONDS)
        until(lambda: self.follow.controllers(self._since), "the controllers lead", FOLLOW_SECONDS)
        until(self.follow.write, "a new object is seen", NEW_SECONDS)

    def _new_snapshot(self) -> None:
        command = remote.agent("snapshot", "etcd", remote.SNAPSHOT_SECONDS, reason="restore", copies="no")
        remote.call(self.ssh, self.outputs.machine(self.plan.first), command)

    def _finish(self, names: Sequence[str]) -> None:
        for name in names:
            self._member(name, "finish")
