"""etcd serves no more: it is stopped, or more members lose their data than it can bear, and it is restored."""

import time

from ops.drill.base import Drill
from ops.drill.probes.http import ApiWrite
from ops.drill.waiting import DrillError
from ops.etcd import remote, snapshots
from ops.etcd.kubernetes_check import Follow
from ops.etcd.restore import Restore, choose, survey
from ops.shared.outputs import Machine
from ops.shared.pulumi import PulumiError

#: In what a member says that starts no empty etcd in the place of a lost one (agent/etcd/start.py).
REFUSALS = ("this stack has had an etcd", "belong to a cluster")


class EtcdOutage(Drill):
    """The API answers no writes until the repair; pods and the database go on."""

    role = "etcd"
    #: The service and the commands of a restore are only on such machines.
    at_least = 1
    why = "etcd has no machines of its own"
    noticed_by = ApiWrite.name


class EtcdStop(EtcdOutage):
    """The API refuses or waits; afterwards everything goes on where it was."""

    name = "etcd-stop"
    about = "etcd is stopped on all members at once and started again"
    order = 40
    held_seconds = 15
    commands = ("paas ssh {machine} systemctl status etcd --no-pager",)

    def plan(self) -> list[str]:
        return [
            f"etcd is stopped on {self.names()}, all at once, for {self.held_seconds} s.",
            "The API answers no reads of objects and no writes meanwhile; pods and the database go on.",
            "Then it is started again on all of them.",
        ]

    def fault(self) -> None:
        self._service("stop")

    def repair(self) -> None:
        self._service("start")

    def _service(self, what: str) -> None:
        # Starting waits until the member has joined the others; no member must wait for the next one's turn.
        self.on_victims(lambda machine: self.target.script(machine, "etcd-outage.sh", what, seconds=120))


class EtcdLoss(EtcdOutage):
    """Subclasses say how many members lose their data; the repair is what `paas etcd restore` does."""

    held_seconds = 5
    deletes = True
    #: What the runner allows: the restore's own steps have limits of their own.
    recovery_seconds = 900

    def fault(self) -> None:
        """Gone on all of them at once."""
        if self.target.delete:
            self.target.away.update(machine.name for machine in self.victims())
            self.on_victims(self.target.power.delete)
        else:
            self.on_victims(lambda machine: self.target.script(machine, "etcd-outage.sh", "lose", seconds=90))

    def repair(self) -> None:
        """A restore, or what is left of one; then deleted machines are replaced, and join."""
        self._restore()
        if self.target.delete:
            began = time.monotonic()
            self.target.up()
            self.figures["machines replaced"] = round(time.monotonic() - began, 1)
            return
        for machine in self.victims():
            self.target.script(machine, "etcd-outage.sh", "forget")

    def _restore(self) -> None:
        target = self.target
        with target.ssh() as ssh:
            found = survey(target.outputs, ssh)
            members = found.members.values()
            if any(member.healthy for member in members) and not any(member.plan for member in members):
                target.say("etcd works: there is nothing to restore")
                return
            # The members that the drill deleted will never come back with their data.
            chosen = choose(target.outputs, ssh, found, target.away)
            target.say(f"restoring {chosen.what}")
            restore = Restore(target.outputs, ssh, Follow(target.cluster), chosen, found, target.say)
            restore.run()
            self.figures |= restore.seconds

    def inspect(self) -> list[str]:
        """How far each member's restore is; another run of the command goes on with it."""
        look = remote.agent("restore", "etcd", step="look")
        looks = [f"paas ssh {machine.name} {look}" for machine in self.target.outputs.role("etcd")]
        return ["paas etcd backups", *looks, "paas etcd restore"]


class EtcdMajority(EtcdLoss):
    """All members but one lose their data: the last one's is what etcd goes on with, and nothing is lost."""

    name = "etcd-majority"
    about = "all members of etcd but one lose their data; restored from the last one"
    order = 50
    at_least = 3
    why = "losing all but one of fewer members does not lose the majority"

    def victims(self) -> list[Machine]:
        """All but the last."""
        return self.target.outputs.role("etcd")[:-1]

    def plan(self) -> list[str]:
        names, delete = self.names(), self.target.delete
        back = ", `pulumi up --refresh` replaces the others, and they" if delete else ", and the others"
        return [
            f"{names} are deleted." if delete else f"etcd is killed on {names}, and its data there is gone.",
            "The API answers no writes from then on; pods and the database go on.",
            f"Then etcd is restored from the last member{back} join it.",
        ]


class EtcdDataLoss(EtcdLoss):
    """Every member loses its data: a snapshot is what is left, and what was written since then is lost."""

    name = "etcd-data-loss"
    about = "all members of etcd lose their data; restored from a snapshot"
    order = 51
    loses = True

    def plan(self) -> list[str]:
        loss, new = "every member is killed and its data gone", ""
        if self.target.delete:
            loss, new = "the machine of every member is deleted", "`pulumi up --refresh` replaces the machines and "
        return [
            "A snapshot of etcd is taken and verified.",
            f"Then {loss}.",
            f"Then {new}etcd is restored from the snapshot: whatever is changed in the API after it is LOST.",
        ]

    def fault(self) -> None:
        """A snapshot first, or it would cost a quarter of an hour of the platform's life and the drill's own pods."""
        members = self.victims()
        with self.target.ssh() as ssh:
            remote.call(ssh, members[0], remote.agent("snapshot", "etcd", remote.SNAPSHOT_SECONDS, reason="drill"))
            listed = snapshots.collect(ssh, members)
        made = max((one for one in listed.found if not one.off_machine), key=lambda one: one.time)
        if self.target.delete and not any(one.off_machine and one.name == made.name for one in listed.found):
            raise DrillError("no snapshot is anywhere but on the machines that would be deleted (backups.copyTo)")
        super().fault()

    def repair(self) -> None:
        """Deleted machines come first: new members start no empty cluster, but wait for what is restored on them."""
        if self.target.delete and self.target.away:
            began = time.monotonic()
            try:
                self.target.up(api=False)
            except PulumiError as error:
                if not any(refusal in str(error) for refusal in REFUSALS):
                    raise
                self.target.say("as it should be, the new members start no empty etcd")
            self.figures["new machines"] = round(time.monotonic() - began, 1)
            self.target.away.clear()
        super().repair()
