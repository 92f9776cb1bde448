"""etcd loses more than it can bear, and is restored: from its last member, or from a snapshot."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from ops.drill.drill import Drill
from ops.drill.probes.probe import Probe
from ops.drill.probes.writes import ApiWrite
from ops.drill.target import UP_SECONDS, Target
from ops.drill.waiting import DrillError
from ops.etcd import plan, remote, snapshots
from ops.etcd.kubernetes_check import Follow
from ops.etcd.plan import RestoreError
from ops.etcd.restore import Restore, survey
from ops.shared.outputs import Machine

#: What the runner allows: the restore's own steps have limits of their own.
RECOVERY_SECONDS = 900
#: In what machines/etcd/membership.sh says where no member has data and nodes are there.
ORPHANS = "belong to a cluster"


class Lost(Drill):
    """Subclasses say how many members lose their data; the repair is what `paas etcd restore` does."""

    serves_without = False
    held_seconds = 5
    recovery_seconds = RECOVERY_SECONDS

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def choose(self, target: Target) -> None:
        """Machines that are deleted take longer."""
        if target.delete:
            self.recovery_seconds = RECOVERY_SECONDS + UP_SECONDS

    @abstractmethod
    def victims(self, target: Target) -> list[Machine]:
        """The members that lose their data."""

    def refusals(self, target: Target) -> Iterator[str]:
        """Only where etcd has machines of its own, with the scripts of a restore on them."""
        if not target.outputs.role("etcd"):
            yield "etcd has no machines of its own"

    def fault(self, target: Target) -> None:
        """Gone on all of them at once."""
        victims = self.victims(target)
        if target.delete:
            target.away.update(machine.name for machine in victims)
        with ThreadPoolExecutor(len(victims)) as pool:
            list(pool.map(lambda one: self._take(target, one), victims))

    def _take(self, target: Target, machine: Machine) -> None:
        if target.delete:
            target.power.delete(machine)
        else:
            target.script(machine, "etcd-lose-data.sh", "lose", seconds=90)

    def noticed(self, target: Target, probes: Mapping[str, Probe], since: float) -> float | None:
        """A write has failed."""
        return probes[ApiWrite.name].answers.first_bad(since)

    def repair(self, target: Target) -> None:
        """A restore, or what is left of one; then machines that were deleted are made again, and join."""
        self._restore(target)
        if target.delete:
            began = time.monotonic()
            target.up()
            self.seconds["machines made again"] = round(time.monotonic() - began, 1)
            return
        for machine in self.victims(target):
            target.script(machine, "etcd-lose-data.sh", "forget")

    def _restore(self, target: Target) -> None:
        with target.ssh() as ssh:
            found = survey(target.outputs, ssh)
            members = list(found.members.values())
            try:
                chosen = plan.resumed(members)
                if chosen is None:
                    if any(member.healthy for member in members):
                        target.say("etcd works: nothing is to be restored")
                        return
                    listed = snapshots.collect(ssh, [target.outputs.machine(name) for name in found.members])
                    identity = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
                    chosen = plan.decide(identity, members, found.away, self._gone(target), listed)
            except RestoreError as error:
                raise DrillError(str(error)) from error
            target.say(f"restoring {chosen.what}")
            restore = Restore(target.outputs, ssh, Follow(target.cluster), chosen, found, target.say)
            restore.run()
            self.seconds |= restore.seconds

    def _gone(self, target: Target) -> list[str]:
        """Members that will never come back as they were."""
        return [machine.name for machine in self.victims(target)] if target.delete else []

    def figures(self, target: Target) -> dict[str, float]:
        """What each step of the restore took."""
        return dict(self.seconds)

    def inspect(self, target: Target) -> list[str]:
        """How far each member's restore is; another run of the command goes on with it."""
        looks = [
            f"paas ssh {machine.name} sudo {remote.MEMBER}/etcd-restore.sh look"
            for machine in target.outputs.role("etcd")
        ]
        return ["paas etcd backups", *looks, "paas etcd restore"]


class EtcdMajority(Lost):
    """All members but one lose their data: the last one's is what etcd goes on with, and nothing is lost."""

    name = "etcd-majority"
    about = "all members of etcd but one lose their data; restored from the last one"
    order = 50

    def refusals(self, target: Target) -> Iterator[str]:
        """There must be a majority to lose, and one to stay."""
        yield from super().refusals(target)
        if len(target.outputs.role("etcd")) < 3:
            yield "etcd has less than three members: losing all but one does not lose the majority"

    def victims(self, target: Target) -> list[Machine]:
        """All but the last."""
        return target.outputs.role("etcd")[:-1]

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        names = ", ".join(machine.name for machine in self.victims(target))
        again = " are made again by `pulumi up --refresh` and" if target.delete else ""
        return [
            f"{names} are deleted." if target.delete else f"etcd is killed on {names}, and its data there is gone.",
            "The API answers no writes from then on; pods and the database go on.",
            f"Then etcd is restored from the last member, and the others{again} join it.",
        ]


class EtcdDataLoss(Lost):
    """Every member loses its data: a snapshot is what is left, and what was written since then is lost."""

    name = "etcd-data-loss"
    about = "all members of etcd lose their data; restored from a snapshot"
    order = 51
    loses = True

    def fault(self, target: Target) -> None:
        """A snapshot first, or it would cost a quarter of an hour of the platform's life and the drill's own pods."""
        members = target.outputs.role("etcd")
        with target.ssh() as ssh:
            command = f"{remote.MEMBER}/etcd-backup.sh --reason drill"
            remote.call(ssh, members[0], command, seconds=remote.SNAPSHOT_SECONDS)
            listed = snapshots.collect(ssh, members)
        made = max((one for one in listed.found if not one.off_machine), key=lambda one: one.time)
        if target.delete and not any(one.off_machine and one.name == made.name for one in listed.found):
            raise DrillError("no snapshot is anywhere but on the machines that would be deleted (backups.copyTo)")
        super().fault(target)

    def repair(self, target: Target) -> None:
        """Deleted machines come first: new members start no empty cluster, but wait for what is restored on them."""
        if target.delete and target.away:
            began = time.monotonic()
            try:
                target.up(api=False)
            except DrillError as error:
                if ORPHANS not in str(error):
                    raise
                target.say("as it should be, the new members start no empty etcd")
            self.seconds["new machines"] = round(time.monotonic() - began, 1)
            target.away.clear()
        super().repair(target)

    def _gone(self, target: Target) -> list[str]:
        return []

    def victims(self, target: Target) -> list[Machine]:
        """All."""
        return target.outputs.role("etcd")

    def plan(self, target: Target) -> list[str]:
        """Fault and repair."""
        loss = "the machine of every member is deleted" if target.delete else "every member is killed and its data gone"
        new = "the machines are made again by `pulumi up --refresh` and " if target.delete else ""
        return [
            "A snapshot of etcd is taken and verified.",
            f"Then {loss}.",
            f"Then {new}etcd is restored from the snapshot: whatever is changed in the API after it is LOST.",
        ]
