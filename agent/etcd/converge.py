"""converge of a member of etcd: its steps, in their order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from agent.etcd import rolling_restart
from agent.etcd.authorities import guard_authorities, record_authorities
from agent.etcd.backup_schedule import schedule_backups
from agent.etcd.backup_settings import BackupSettings
from agent.etcd.configuration import MemberFiles, write_configuration
from agent.etcd.membership import UNIT, MemberSettings, Place, ThisMember
from agent.etcd.membership_changes import TakeSnapshot, Turn, let_leavers_go
from agent.etcd.network import PEER_PORT, Network, is_healthy
from agent.etcd.rolling_restart import READ_AT_START, Versions
from agent.etcd.start import decide_start, end_first_start, may_be_empty
from agent.etcd_api import EtcdError, PortState
from agent.machine import Failed, Machine, NotYet
from agent.system import files, services
from agent.system.ground import Ground

Value = TypeVar("Value")

#: What runs in other roles, and must not here.
UNUSED: Final = ("haproxy.service", "keepalived.service", "kubelet.service", "containerd.service")
#: How long etcd may take to answer with a majority.
HEALTH_SECONDS: Final = 240
#: How long the members of a new cluster wait for so many of them to run that there can be a majority. Longer than a
#: cloud takes for three machines at once.
FORMING_SECONDS: Final = 120
#: Longer than an election: without a leader for a moment a member is not one that has to be started.
MOMENT_SECONDS: Final = 10


@dataclass(frozen=True)
class EtcdSettings:
    """The desired state of a machine for etcd."""

    member: MemberSettings
    versions: Versions
    generation: str  # That of the authorities that issue.
    files: MemberFiles


def converge(
    machine: Machine,
    settings: EtcdSettings,
    backups: BackupSettings,
    network: Network,
    ground: Ground,
    snapshot: TakeSnapshot,
    end_alarm: Callable[[], None],
) -> None:
    """Brings this machine to its desired state. Raises Failed with the one message that people read.

    `end_alarm` ends the alarm NOSPACE where there is room (defragment.py).
    """
    this = ThisMember(machine, settings.member, network)
    wanted, versions, maintenance = settings.files, settings.versions, ground.maintenance
    runs = rolling_restart.runs_here(this)
    was_member = this.mark.exists()

    def step(name: str, action: Callable[[], Value]) -> Value:
        try:
            return machine.step(name, action)
        except EtcdError as error:
            raise Failed(f"etcd: {error}") from error

    with Turn(this) as turn:
        if runs:
            step("version", lambda: rolling_restart.plan_change(this, ground.installed_etcd(), versions.etcd))
        ground.prepare(("etcd",) if runs else ())
        if not runs:
            step("epoch", maintenance.renew_new_machine)
        step("unused services", lambda: services.disable(machine, *UNUSED))
        step("firewall", ground.apply_firewall)
        if runs:
            step("authorities", lambda: guard_authorities(this, wanted.certificate, wanted.ca, settings.generation))
        step("configuration", lambda: write_configuration(machine, wanted, this.settings.token))
        step("restore", lambda: refuse_half_restore(machine))
        step("membership", lambda: start_member(this, turn, snapshot))
        works = step("health", lambda: wait_for_health(this, turn))
        if works:
            step("leavers", lambda: let_leavers_go(this, turn, snapshot))
        step("snapshot", lambda: rolling_restart.snapshot_before_upgrade(this, versions, was_member, snapshot))
        if works and runs:
            step("turn", lambda: rolling_restart.change_in_turn(this, turn, maintenance, versions.etcd))
            # The quota may have been raised for that, and a member reads it when it starts.
            step("room", end_alarm)
        if works:
            step("record of authorities", lambda: record_authorities(this))
        step("backups", lambda: schedule_backups(machine, backups.files))
        machine.step_name = "etcd"
        awaited = "a majority is awaited by the members that start after it"
        machine.log(f"ready: {this.own.peer_url if works else awaited}")


def refuse_half_restore(machine: Machine) -> None:
    """A member whose old data has not been set aside yet would bring the old cluster back. Raises Failed then."""
    if files.read(machine.state / "etcd-restore" / "stage") == "stopped":
        raise Failed("a restore of etcd was begun and not ended: `python -m ops etcd restore` goes on with it")


def start_member(this: ThisMember, turn: Turn, snapshot: TakeSnapshot) -> None:
    """Starts a member that does not run. One that works is not touched here but in its turn."""
    machine = this.machine
    machine.unit = UNIT
    until = machine.clock.monotonic() + MOMENT_SECONDS

    def serves() -> bool:
        """Whether it answers with a majority behind it, perhaps after an election."""
        if this.is_active() and is_healthy(this.api):
            return True
        if machine.clock.monotonic() < until:
            raise NotYet("it has no majority")
        return False

    if this.is_active() and machine.retry_until(2 * MOMENT_SECONDS, "a majority", serves):
        return
    if not this.is_active():
        decide_start(this, turn, snapshot)
    # Not awaited: a member of a new cluster is "activating" for as long as its peers take to come.
    services.apply(machine, UNIT, "restart", READ_AT_START, block=False)


def wait_for_health(this: ThisMember, turn: Turn) -> bool:
    """Waits until this member answers with a majority behind it, and ends its first start then.

    Returns no where a cluster is only being made and so few of its members run that there cannot be a majority. The
    engine may bring up one machine after another (`--parallel 1`), and begins none before the one before has ended. The
    member with which a majority runs never returns so: when all steps have ended well, one has seen the cluster work.
    """
    machine = this.machine
    machine.unit = UNIT
    forming_until = machine.clock.monotonic() + FORMING_SECONDS

    def look() -> bool:
        try:
            this.check_works()
        except NotYet:
            if machine.clock.monotonic() >= forming_until and _is_too_early(this):
                return False
            raise
        return True

    names = ", ".join(place.name for place in this.settings.members)
    works = machine.retry_until(HEALTH_SECONDS, f"etcd to answer with a majority of its members ({names})", look)
    if works:
        files.write(this.mark, "")
        end_first_start(this)
    else:
        machine.log(
            f"etcd has started here, and waits for a majority: {len(_running(this))} of {len(this.settings.members)}"
            " members run. The ones that start next wait for it"
        )
    turn.release()
    return works


def _running(this: ThisMember) -> list[Place]:
    network = this.network
    return [one for one in this.settings.members if network.port_state(one.address, PEER_PORT) is PortState.OPEN]


def _is_too_early(this: ThisMember) -> bool:
    """Whether this member runs as well as it can while too few of a new cluster do."""
    running = _running(this)
    return this.own in running and may_be_empty(this) and len(running) <= len(this.settings.members) // 2
