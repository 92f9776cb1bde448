"""Running machines are replaced or stopped only when they are named, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator

from settings.plan import Plan, PlannedMachine
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.replacement import Change, can_miss, changes, replacing, role_key, role_settings
from settings.rules import Context


def errors(context: Context) -> Iterator[Problem]:
    """Changes of machines that are not named, too many or unknown names, and data that would be lost."""
    settings, plan, running = context.settings, context.plan, context.running
    known = {machine.hostname: machine for machine in plan.machines}
    named = settings.rollout.replace
    for name in named:
        if name not in known:
            rule = "is not a machine of this platform"
            yield Problem("rollout.replace", name, rule, "write the host name of a machine")
    for name in settings.rollout.lose_volumes:
        if name not in named:
            yield Problem(
                "rollout.loseVolumes", name, "is not in rollout.replace", "write it there too, or remove it here"
            )
    found = list(changes(settings, plan, running))
    yield from _together(settings, plan, found)
    now = replacing(settings, plan, running)
    for key, machines in _by_role(plan).items():
        chosen = [machine.hostname for machine in machines if machine.hostname in now]
        most = can_miss(settings, plan, machines[0])
        if len(chosen) > most:
            yield Problem(
                "rollout.replace",
                ", ".join(chosen),
                f"{key} can spare {most} at a time",
                f"leave {chosen[0]}" if most == 1 else f"leave {most} of them",
            )
    if len(plan.etcd) == 1 and now.get(plan.etcd[0].hostname) and settings.etcd.volume is None:
        yield Problem(
            "rollout.replace",
            plan.etcd[0].hostname,
            "is the only member of etcd, with the cluster's data on its own disk: all of it would be lost",
            "set etcd.count: 3 first",
        )


def _together(settings: PlatformSettings, plan: Plan, found: list[Change]) -> Iterator[Problem]:
    """One problem for each setting whose machines are not named. Where some are named, the others wait."""
    for key, some in _by_key(found).items():
        names = [change.machine.hostname for change in some]
        after = ", ".join(dict.fromkeys(change.after for change in some))
        before = ", ".join(dict.fromkeys(change.before for change in some))
        if any(change.loses for change in some):
            yield Problem(
                key,
                after,
                f"would remove the data of {', '.join(names)}, whose volume{'s' * (len(names) > 1)} "
                f"{'have' if len(names) > 1 else 'has'} {before}",
                f"set it back to {before}: this release has no way to move the data of a working machine; "
                + ("make another pool and move there" if key.startswith("workers.") else "a larger sizeGib is fine"),
            )
            continue
        if set(names) & set(settings.rollout.replace):
            continue
        most = can_miss(settings, plan, some[0].machine)
        verb = "replace" if some[0].replaces else "stop"
        yield Problem(
            key,
            after,
            f"would {verb} {', '.join(names)} all at once, which have {before}"
            if len(names) > 1
            else f"would {verb} {names[0]}, which has {before}",
            f"change at most {most} of {role_key(some[0].machine)} at a time: set rollout.replace: "
            f"[{', '.join(names[:most])}] as well, run `up`, then name the next",
        )


def warnings(context: Context) -> Iterator[Problem]:
    """Machines that wait, names that can be removed, roles that are down meanwhile, and unknown forms."""
    settings, plan, running = context.settings, context.plan, context.running
    if running is None:
        return
    found = list(changes(settings, plan, running))
    now = replacing(settings, plan, running)
    for name in settings.rollout.replace:
        if name in now or not any(machine.hostname == name for machine in plan.machines):
            continue
        if name in running.instances and name not in running.forms:
            rule = "stays as it is: its current flavor, zone and spread are not known"
            yield Problem("rollout.replace", name, rule, "run `up` once")
        else:
            yield Problem("rollout.replace", name, "is already as the plan wants it", "remove the name")
    for key, some in _by_key(found).items():
        waiting = [change.machine.hostname for change in some if change.machine.hostname not in now]
        if waiting and len(waiting) < len(some):
            yield Problem(
                key,
                "",
                f"not applied yet to {', '.join(waiting)}, which stay as they are",
                "name them in rollout.replace next",
            )
    for key, machines in _by_role(plan).items():
        if len(machines) == 1 and machines[0].hostname in now:
            rule = f"is the only machine of {key}, which is down meanwhile"
            yield Problem("rollout.replace", machines[0].hostname, rule, "expect an outage")
    unknown = [name for name in running.instances if name not in running.forms]
    if unknown:
        yield Problem(
            "rollout",
            "",
            f"the flavors, zones and spread of {', '.join(sorted(unknown))} are not known, so changes were not checked",
            "they stay as they are; the next `up` records it",
        )
    for machine in plan.workers:
        has_volume = role_settings(settings, machine).volume is not None  # type: ignore[attr-defined]
        if now.get(machine.hostname) and not has_volume and machine.hostname not in settings.rollout.lose_volumes:
            yield Problem(
                "rollout.replace",
                machine.hostname,
                "its own disk goes with it: `up` asks the cluster, and keeps the machine if a claim has a volume there",
                "move such data first (docs/scaling.md), or name it in rollout.loseVolumes",
            )


def _by_role(plan: Plan) -> dict[str, list[PlannedMachine]]:
    found: dict[str, list[PlannedMachine]] = {}
    for machine in plan.machines:
        found.setdefault(role_key(machine), []).append(machine)
    return found


def _by_key(found: list[Change]) -> dict[str, list[Change]]:
    by_key: dict[str, list[Change]] = {}
    for change in found:
        by_key.setdefault(change.key, []).append(change)
    return by_key
