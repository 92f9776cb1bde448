"""Changes for which a member that works has to restart: options, unit, CA, version, epoch.

One member at a time in the whole cluster, only while all others are healthy.
"""

from dataclasses import dataclass
from typing import Final

from agent.etcd.membership import UNIT, UNIT_FILE, ThisMember
from agent.etcd.membership_changes import STAYING_SECONDS, TakeSnapshot, Turn, check_all_stay
from agent.etcd.network import PKI, leads
from agent.etcd_api import EtcdError
from agent.machine import Failed, NotYet
from agent.system import files, services
from agent.system.maintenance import Maintenance
from agent.system.versions import minor_of, natural_order

#: What etcd reads when it starts, and not again. New certificates and keys it reads at the next connection, a new CA
#: not. The options of a first start do not matter any more once it has data.
READ_AT_START: Final = ("/etc/etcd/etcd.env", UNIT_FILE, f"{PKI}/ca.crt")
#: How long a member may take from its restart until it is as good as before.
WELL_SECONDS: Final = 120
#: The longest that a snapshot before an upgrade may take.
SNAPSHOT_SECONDS: Final = 600


@dataclass(frozen=True)
class Versions:
    """What this member is to run, and the platform that it belongs to."""

    etcd: str
    #: Not this machine's: before it changes each member takes a snapshot, and the control planes wait for that.
    kubernetes: str


def refuse_jump(installed: str, wanted: str) -> None:
    """etcd goes up, by one minor version at a time (https://etcd.io/docs/v3.6/upgrades/). Raises Failed otherwise."""
    if natural_order(wanted) < natural_order(installed):
        raise Failed(
            f"this member has etcd {installed} and {wanted} is asked for: etcd does not go back here. Set"
            f" etcd.version to {installed}, or restore a snapshot into a new platform"
        )
    if minor_of(wanted) - minor_of(installed) > 1:
        raise Failed(
            f"this member has etcd {installed} and {wanted} is asked for: that skips a minor version. Bring up the"
            f" newest {installed.split('.')[0]}.{minor_of(installed) + 1} first"
        )


def runs_here(this: ThisMember) -> bool:
    """Whether this machine is a member with data, so that what changes waits for its turn. First of all steps."""
    return this.machine.path(UNIT_FILE).exists() and this.has_data()


def plan_change(this: ThisMember, installed: str, wanted: str) -> None:
    """For a member that runs here. Raises Failed when etcd cannot go from its version to the wanted one."""
    adopt_restart_note(this)
    if installed:
        refuse_jump(installed, wanted)


def adopt_restart_note(this: ThisMember) -> None:
    """For a machine that comes from the release before the agent: there, initial.env was among what is noted.

    That file goes now, and no member restarts for it.
    """
    environment, *rest = READ_AT_START
    noted = files.read(services.applied(this.machine, UNIT))
    if noted and noted == services.fingerprint(this.machine, [environment, "/etc/etcd/initial.env", *rest]):
        services.remember(this.machine, UNIT, services.fingerprint(this.machine, READ_AT_START))


def member_changes(this: ThisMember, maintenance: Maintenance) -> str:
    """In words, why this member has to restart; empty when it need not."""
    words = [maintenance.what_waits()]
    if services.is_outdated(this.machine, UNIT, READ_AT_START):
        words.append("what etcd reads when it starts")
    return ", ".join(filter(None, words))


def snapshot_before_upgrade(this: ThisMember, versions: Versions, was_member: bool, snapshot: TakeSnapshot) -> None:
    """Once for each pair of versions; to go back, it is among the backups.

    The control planes wait for all of etcd's steps, so there is one before any of them changes. Raises Failed without.
    """
    target = f"Kubernetes {versions.kubernetes} with etcd {versions.etcd}"
    note = this.machine.state / "upgrade-target"
    before = files.read(note)
    if before == target:
        return
    if was_member:
        this.machine.log(f"a snapshot before {f'{before} becomes ' if before else ''}{target}")
        if why_none := snapshot("upgrade", this.own.address, SNAPSHOT_SECONDS):
            raise Failed(f"nothing is upgraded without a snapshot; etcd serves as before: {why_none}")
    files.write(note, f"{target}\n")


def refuse_half_upgraded(this: ThisMember, wanted: str) -> None:
    """The members before this one may have gone no further than the last upgrade. Raises Failed then."""
    try:
        seen = this.api.cluster_version()
    except EtcdError as error:
        raise Failed(f"cannot read the cluster's version from this member: {error}") from None
    if minor_of(wanted) - minor_of(seen) > 1:
        raise Failed(
            f"the cluster is at {seen}, and {wanted} skips a minor version: bring all members to the one between first"
        )


def give_lead_away(this: ThisMember) -> None:
    """To another voter. An election would follow when this one stops, which takes some 1 s longer."""
    if not leads(this.api):
        return
    try:
        others = [member for member in this.voters() if this.own.peer_url not in member.peer_urls]
        if others:
            this.api.move_leader(others[-1].id)
            this.machine.log(f"gave the lead to {others[-1].name}")
        else:
            this.machine.log("the lead was not to be given away: there is nobody to have it")
    except EtcdError as error:
        this.machine.log(f"the lead was not to be given away: {error}")


def check_well(this: ThisMember, index: int) -> None:
    """Raises NotYet, or EtcdError, unless it works, votes, and has applied everything up to `index`."""
    this.check_works()
    status = this.api.status()
    if status.is_learner:
        raise NotYet("it is a learner")
    if status.raft_applied_index < index:
        raise NotYet(f"it has applied {status.raft_applied_index} of {index}")


def change_in_turn(this: ThisMember, turn: Turn, maintenance: Maintenance, wanted: str) -> None:
    """Restarts this member, which has run before, where something has changed for which it has to.

    The lock is the one for changes of the membership: none of those goes on at the same time. It is held at the other
    members, so it outlives this one's restart. An etcd that is full gives none; a larger quota comes by a restart.
    """
    machine, others = this.machine, this.settings.peers
    machine.unit = UNIT
    change = member_changes(this, maintenance)
    if not change:
        return
    maintenance.fetch()
    if others:
        machine.log(f"to be changed when it is this member's turn: {change}")
        what = f"all members to be healthy, none is changed before ({change})"
        # Not under the lock: one of them may be about to join.
        this.retry_until(STAYING_SECONDS, what, lambda: check_all_stay(this))
        turn.hold(*others)
        this.retry_until(30, what, lambda: check_all_stay(this))
    else:
        machine.log(f"the only member, the API does without etcd while it restarts: {change}")
    refuse_half_upgraded(this, wanted)
    turn.check()
    maintenance.packages.change()
    maintenance.renew()
    give_lead_away(this)
    # Packages may have taken longer than the lock lives without an answer.
    turn.check()
    began = machine.clock.monotonic()
    services.restart(machine, UNIT, READ_AT_START)
    reached = this.retry_until(
        30,
        "the other members to report their revision",
        lambda: max((this.network.api(other.client_url).status().raft_index for other in others), default=0),
    )
    this.retry_until(
        WELL_SECONDS,
        f"this member to be well after its change ({change}); the others serve, and none of them changes",
        lambda: check_well(this, reached),
    )
    took = (machine.clock.monotonic() - began) * 1000
    machine.log(f"well again {took:.0f} ms after its restart began: {change}")
    maintenance.end_epoch()
    turn.release()
