"""This member's part of a restore; `ops etcd restore` leads it over all members. Every part may run again.

Nothing is deleted: old data lies in /var/lib/etcd/aside-ID.
"""

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any, Final

from agent.etcd.backup_copies import Copies, CopyError
from agent.etcd.backup_record import Store
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.membership import DATA, UNIT, has_data
from agent.etcd.network import PEER_PORT, Network, endpoint
from agent.etcd.restore_plan import RestorePlan, parse, refuse_majority
from agent.etcd.restore_source import data_revision, fetch, salvage
from agent.etcd.snapshot_proof import PROGRAM_SECONDS
from agent.etcd.start import INITIAL
from agent.etcd_api import EtcdError
from agent.machine import Failed, Machine
from agent.programs import last_lines
from agent.system import files, lock

#: Watchers and caches ask from a revision that they have seen. None may be as high as the first one after a restore, or
#: they would miss changes: https://etcd.io/docs/v3.6/op-guide/recovery/#restoring-with-revision-bump. A cluster of
#: 5,000 nodes makes some 10^8 revisions a month.
BUMP: Final = 10**9
#: Seconds that etcd may take to end by itself, and that a killed one may take.
_STOP_SECONDS, _KILLED_SECONDS = 3, 60
_LOOK_SECONDS: Final = 3.0
#: In the new data until the restore is finished, with the restore's id.
_MARK: Final = "restored-"


def run(
    machine: Machine,
    settings: BackupSettings,
    word: str,
    given: str = "",
    network: Network | None = None,
) -> dict[str, Any] | None:
    """One part: look, stop (`given` is the plan), snapshot (an age identity, if one is needed), place, empty, finish.

    `look` alone returns what it sees, and says nothing. Raises Failed.
    """
    machine.step_name = "etcd restore"
    restore = _Restore(machine, settings, network or Network(machine), given)
    if word == "look":
        return restore.look()
    parts = {
        "stop": restore.stop,
        "snapshot": restore.snapshot,
        "place": restore.place,
        "empty": restore.empty,
        "finish": restore.finish,
    }
    if word not in parts:
        raise Failed(f"look, stop, snapshot, place, empty or finish, not '{word}'")
    with lock.hold(machine, lock.ONE_RUN, 0, "another run"):
        parts[word]()
    return None


class _Restore:
    """The notes: `plan` is what `stop` was given; `stage` how far this machine is, stopped, then placed or emptied;
    `snapshot` the file to restore."""

    def __init__(self, machine: Machine, settings: BackupSettings, network: Network, given: str) -> None:
        self.machine, self.settings, self.network, self.given = machine, settings, network, given
        self.notes = machine.state / "etcd-restore"
        self.data = machine.path(DATA)
        self.store = Store(machine)

    @property
    def stage(self) -> str:
        """How far this machine is; empty when no restore has begun here."""
        return files.read(self.notes / "stage")

    def look(self) -> dict[str, Any]:
        """What `ops` decides from. `healthy`: with a majority behind it. `revision`: None where it is not known."""
        state = self.machine.run("systemctl", "is-active", UNIT).output.strip() or "unknown"
        healthy, revision = False, None
        # One that does not run answers nothing, and the platform waits.
        if state == "active" or state.endswith("ing"):
            member = self.network.api(endpoint(self.settings.address), seconds=_LOOK_SECONDS)
            # What was seen until it fails is the answer.
            with contextlib.suppress(EtcdError):
                revision = member.status().revision
                member.check_health()
                healthy = True
        plan = files.read(self.notes / "plan")
        return {
            "member": self.settings.name,
            "etcd": state,
            "healthy": healthy,
            "data": has_data(self.machine),
            "revision": data_revision(self.machine) if revision is None else revision,
            "stage": self.stage,
            "plan": json.loads(plan) if plan else None,
            "aside": sorted(str(path) for path in self.data.glob("aside-*")),
        }

    def stop(self) -> None:
        """Notes the plan, and stops etcd so that only this restore starts it again."""
        plan = parse(self.given)
        noted = files.read(self.notes / "plan")
        if noted and (begun := parse(noted).id) != plan.id:
            raise Failed(f"the restore {begun} was begun here and has not ended; this is another one, {plan.id}")
        if self.stage in ("placed", "emptied"):
            self.machine.log(f"this machine is past that: {self.stage}")
            return
        files.write(self.notes / "plan", self.given)
        files.write(self.notes / "stage", "stopped\n")
        # Neither a reboot nor converge may start it while it has no data or the old one.
        self.machine.must("systemctl", "disable", "--quiet", UNIT)
        self.machine.unit = UNIT
        # One without a majority waits for requests that nobody answers. What it has acknowledged is on its disk:
        # killing it loses nothing.
        if not self.machine.run("systemctl", "stop", UNIT, seconds=_STOP_SECONDS):
            # It may have ended just then.
            self.machine.run("systemctl", "kill", "--signal=KILL", UNIT)
            self.machine.must("systemctl", "stop", UNIT, seconds=_KILLED_SECONDS)
        self._forget_first_start()
        self.machine.log("etcd is stopped")

    def snapshot(self) -> None:
        """Has the planned one at hand: here already, from this machine's own data, or from a place off the machine."""
        if files.read(self.notes / "snapshot"):
            return
        plan = self._plan()
        if place := plan.place(self.settings):
            file = self.store.folder / f".restore-{plan.id}"
            fetch(self.machine, self.settings, self.network, plan, place, self.given, file)
        elif plan.kind == "here":
            file = self.store.file(plan.name)
        else:
            file = self.store.file(salvage(self.machine, self.settings, self.network).name)
        if not file.exists() or not file.stat().st_size:
            raise Failed(f"there is no snapshot {file}")
        files.write(self.notes / "snapshot", f"{file}\n")
        self.machine.log(f"to be restored: {file}")

    def place(self) -> None:
        """The snapshot becomes the data of a cluster of this one member, whose token no former member has."""
        if self.stage == "placed":
            return
        plan = self._stopped_plan()
        if plan.first and plan.first != self.settings.name:
            raise Failed(f"this restore begins on {plan.first}, and nowhere else")
        refuse_majority(self.settings, self.network, plan)
        mark = f"{_MARK}{plan.id}"
        if not (self.data / "member" / mark).exists():
            new = self.data / f"restore-{plan.id}"
            shutil.rmtree(new, ignore_errors=True)
            self._make_data(plan, new)
            files.write(new / "member" / mark, "")
            owner = self.data.stat()
            self.machine.must("chown", "--recursive", f"{owner.st_uid}:{owner.st_gid}", new)
            self.machine.must("sync", "--file-system", new)
            self._set_aside(plan)
            (new / "member").rename(self.data / "member")
            files.sync_folder(self.data)
            shutil.rmtree(new, ignore_errors=True)
        # The options of a first start would be those of another cluster.
        self._forget_first_start()
        files.write(self.notes / "stage", "placed\n")
        self.machine.log("the snapshot is in place")

    def empty(self) -> None:
        """This member joins the first one with nothing, as any new member does."""
        if self.stage == "emptied":
            return
        plan = self._stopped_plan()
        if plan.first == self.settings.name:
            raise Failed("this restore begins here: the snapshot is placed on this member, it is not emptied")
        self._set_aside(plan)
        files.write(self.notes / "stage", "emptied\n")

    def finish(self) -> None:
        """Forgets the restore."""
        for mark in (self.data / "member").glob(f"{_MARK}*"):
            mark.unlink()
        shutil.rmtree(self.notes, ignore_errors=True)
        for file in self.store.folder.glob(".restore-*"):
            file.unlink()
        self.machine.log("done")

    def _plan(self) -> RestorePlan:
        noted = files.read(self.notes / "plan")
        if not noted:
            raise Failed("no restore has begun here")
        return parse(noted)

    def _stopped_plan(self) -> RestorePlan:
        if self.stage != "stopped":
            raise Failed("etcd has not been stopped for a restore here")
        return self._plan()

    def _make_data(self, plan: RestorePlan, new: Path) -> None:
        name, peer = self.settings.name, f"https://{self.settings.address}:{PEER_PORT}"
        ended = self.machine.run(
            *("etcdutl", "snapshot", "restore", files.read(self.notes / "snapshot"), "--data-dir", new),
            *("--name", name, "--initial-cluster", f"{name}={peer}", "--initial-advertise-peer-urls", peer),
            *("--initial-cluster-token", f"{self.settings.cluster}-{plan.id}"),
            *("--bump-revision", str(self._bump(plan)), "--mark-compacted"),
            seconds=PROGRAM_SECONDS,
        )
        if not ended:
            raise Failed(f"etcdutl could not restore it: {last_lines(ended.output + ended.errors, 1)}")

    def _bump(self, plan: RestorePlan) -> int:
        """By how much revisions grow: beyond all that there has been, also when an older snapshot than the one of a
        restore before is restored. Revisions say which snapshot is the newest."""
        here = self.store.descriptions()
        known = [one.revision for one in here if one.verified]
        if place := plan.place(self.settings):
            try:
                known += [one.revision for one in Copies(self.machine, self.settings).there(place)]
            except CopyError as error:
                self.machine.log(f"{plan.kind} does not say which snapshots it has: {error}")
        name = Path(files.read(self.notes / "snapshot")).stem
        restored = next((one.revision for one in here if one.name == name), plan.revision)
        return BUMP + max(0, max(known, default=0) - restored)

    def _set_aside(self, plan: RestorePlan) -> None:
        member, aside = self.data / "member", self.data / f"aside-{plan.id}"
        if not member.exists():
            return
        if (aside / "member").exists():
            raise Failed(f"{aside} has data already: move it, or {member}, to another place")
        aside.mkdir(exist_ok=True)
        member.rename(aside / "member")
        files.sync_folder(aside)
        files.sync_folder(self.data)
        self.machine.log(f"the old data is in {aside}")

    def _forget_first_start(self) -> None:
        self.machine.path(INITIAL).unlink(missing_ok=True)
