"""What a changed stack file would do to running machines: replace them or stop them, once they are named."""

from collections.abc import Iterator
from dataclasses import dataclass

from settings.machines import EtcdSettings, MachineSettings, WorkerPoolSettings
from settings.plan import Plan, PlannedMachine
from settings.platform_settings import PlatformSettings
from settings.running import Form, Running


@dataclass(frozen=True)
class Change:
    """One setting (`key`) in which a running machine differs from the plan."""

    machine: PlannedMachine
    key: str
    before: str
    after: str
    replaces: bool = True
    """Whether the machine is replaced. Otherwise it is stopped and started."""
    loses: bool = False
    """Whether its volume, and so its data, would be deleted. That is always refused."""


def role_key(machine: PlannedMachine) -> str:
    """The key of the stack file that the machine comes from."""
    keys = {"gateway": "gateways", "etcd": "etcd", "control-plane": "controlPlanes"}
    return keys.get(machine.role) or f"workers.{machine.pool}"


def can_miss(settings: PlatformSettings, plan: Plan, machine: PlannedMachine) -> int:
    """How many machines of its role may be unavailable at a time."""
    if machine.role == "etcd":
        return max(1, (len(plan.etcd) - 1) // 2)
    return settings.workers[machine.pool].max_unavailable if machine.role == "worker" else 1


def changes(settings: PlatformSettings, plan: Plan, running: Running | None) -> Iterator[Change]:
    """Every change that would replace or stop a running machine, by machine. Unknown forms count as unchanged."""
    if running is None:
        return
    roles = settings.roles
    for machine in plan.machines:
        form = running.forms.get(machine.hostname)
        if form is not None and machine.hostname in running.instances:
            yield from _changes(machine, roles[role_key(machine)], form, running)


def _changes(machine: PlannedMachine, wanted: MachineSettings, form: Form, running: Running) -> Iterator[Change]:
    key = role_key(machine)
    if form.flavor and form.flavor != wanted.flavor:
        yield Change(machine, f"{key}.flavor", form.flavor, wanted.flavor, replaces=False)
    zone = machine.availability_zone
    # Without a zone the cloud chose one, and keeps it.
    if zone and form.zone and form.zone != zone:
        yield Change(machine, f"{key}.availabilityZones", form.zone, zone, loses=form.volume)
    spread = running.spreads.get(form.group)
    if spread and spread != wanted.spread:
        yield Change(machine, f"{key}.spread", spread, wanted.spread)
    if not form.volume:
        # A new volume is attached. The machine's step mounts it only where no data is hidden.
        return
    volume = wanted.volume if isinstance(wanted, EtcdSettings | WorkerPoolSettings) else None
    if volume is None:
        yield Change(machine, f"{key}.volume", f"{form.volume_gib} GiB", "none", loses=True)
        return
    if volume.type and form.volume_type and volume.type != form.volume_type:
        yield Change(machine, f"{key}.volume.type", form.volume_type, volume.type, loses=True)
    if volume.size_gib < form.volume_gib:
        yield Change(machine, f"{key}.volume.sizeGib", str(form.volume_gib), str(volume.size_gib), loses=True)


def replacing(settings: PlatformSettings, plan: Plan, running: Running | None) -> dict[str, bool]:
    """The host names of machines that change in this run, with whether they are replaced."""
    named = set(settings.rollout.replace)
    found: dict[str, bool] = {}
    for change in changes(settings, plan, running):
        if change.machine.hostname in named and not change.loses:
            found[change.machine.hostname] = found.get(change.machine.hostname, False) or change.replaces
    return found
