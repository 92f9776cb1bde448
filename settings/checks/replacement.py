"""Running machines are replaced or stopped only when they are named, a few at a time."""

from collections.abc import Iterator

from settings.plan import Plan, PlannedMachine
from settings.problem import Problem
from settings.replacement import Change, can_miss, changes, replacing, role_key
from settings.rules import Context

_KEY = "rollout.replace"


def replaced_machines_exist(context: Context) -> Iterator[Problem]:
    known = {machine.hostname for machine in context.plan.machines}
    for name in context.settings.rollout.replace:
        if name not in known:
            yield Problem(_KEY, name, "is not a machine of this platform", "write the host name of a machine")


def lost_volumes_are_of_replaced_machines(context: Context) -> Iterator[Problem]:
    for name in context.settings.rollout.lose_volumes:
        if name not in context.settings.rollout.replace:
            fix = "write it there too, or remove it here"
            yield Problem("rollout.loseVolumes", name, "is not in rollout.replace", fix)


def _changes_by_key(context: Context) -> dict[str, list[Change]]:
    by_key: dict[str, list[Change]] = {}
    for change in changes(context.settings, context.plan, context.running):
        by_key.setdefault(change.key, []).append(change)
    return by_key


def _replacing(context: Context) -> dict[str, bool]:
    return replacing(context.settings, context.plan, context.running)


def changed_machines_keep_their_data_and_are_named(context: Context) -> Iterator[Problem]:
    """One problem for each setting whose machines are not named. Where some are named, the others wait."""
    for key, some in _changes_by_key(context).items():
        names = [change.machine.hostname for change in some]
        after = ", ".join(dict.fromkeys(change.after for change in some))
        before = ", ".join(dict.fromkeys(change.before for change in some))
        many = len(names) > 1
        have = f"{'have' if many else 'has'} {before}"
        if any(change.loses for change in some):
            rule = f"would remove the data of {', '.join(names)}: {'their volumes' if many else 'its volume'} {have}"
            instead = "make another pool and move there" if key.startswith("workers.") else "a larger sizeGib is fine"
            fix = f"set it back to {before}: this release has no way to move the data of a working machine; {instead}"
            yield Problem(key, after, rule, fix)
        elif not set(names) & set(context.settings.rollout.replace):
            most = can_miss(context.settings, context.plan, some[0].machine)
            verb = "replace" if some[0].replaces else "stop"
            rule = f"would {verb} {', '.join(names)}{' all at once' if many else ''}, which {have}"
            fix = (
                f"change at most {most} of {role_key(some[0].machine)} at a time: set rollout.replace: "
                f"[{', '.join(names[:most])}] as well, run `up`, then name the next"
            )
            yield Problem(key, after, rule, fix)


def _by_role(plan: Plan) -> dict[str, list[PlannedMachine]]:
    found: dict[str, list[PlannedMachine]] = {}
    for machine in plan.machines:
        found.setdefault(role_key(machine), []).append(machine)
    return found


def every_role_can_spare_its_replaced_machines(context: Context) -> Iterator[Problem]:
    now = _replacing(context)
    for key, machines in _by_role(context.plan).items():
        chosen = [machine.hostname for machine in machines if machine.hostname in now]
        most = can_miss(context.settings, context.plan, machines[0])
        if len(chosen) > most:
            fix = f"leave {chosen[0]}" if most == 1 else f"leave {most} of them"
            yield Problem(_KEY, ", ".join(chosen), f"{key} can spare {most} at a time", fix)


def the_only_member_of_etcd_keeps_its_data(context: Context) -> Iterator[Problem]:
    members = context.plan.etcd
    if len(members) == 1 and _replacing(context).get(members[0].hostname) and context.settings.etcd.volume is None:
        rule = "is the only member of etcd, with the cluster's data on its own disk: all of it would be lost"
        yield Problem(_KEY, members[0].hostname, rule, "set etcd.count: 3 first")


def named_machines_change(context: Context) -> Iterator[Problem]:
    if context.running is None:
        return
    now, planned = _replacing(context), {machine.hostname for machine in context.plan.machines}
    for name in context.settings.rollout.replace:
        if name in now or name not in planned:
            continue
        if name in context.running.instances and name not in context.running.forms:
            yield Problem(
                _KEY, name, "stays as it is: its current flavor, zone and spread are not known", "run `up` once"
            )
        else:
            yield Problem(_KEY, name, "is already as the plan wants it", "remove the name")


def changes_are_applied_to_all_machines(context: Context) -> Iterator[Problem]:
    now = _replacing(context)
    for key, some in _changes_by_key(context).items():
        waiting = [change.machine.hostname for change in some if change.machine.hostname not in now]
        if waiting and len(waiting) < len(some):
            rule = f"not applied yet to {', '.join(waiting)}, which stay as they are"
            yield Problem(key, "", rule, "name them in rollout.replace next")


def replaced_machines_are_not_alone(context: Context) -> Iterator[Problem]:
    now = _replacing(context)
    for key, machines in _by_role(context.plan).items():
        if len(machines) == 1 and machines[0].hostname in now:
            rule = f"is the only machine of {key}, which is down meanwhile"
            yield Problem(_KEY, machines[0].hostname, rule, "expect an outage")


def forms_of_running_machines_are_known(context: Context) -> Iterator[Problem]:
    unknown = set(context.running.instances) - set(context.running.forms) if context.running else set()
    if unknown:
        names = ", ".join(sorted(unknown))
        rule = f"the flavors, zones and spread of {names} are not known, so changes were not checked"
        yield Problem("rollout", "", rule, "they stay as they are; the next `up` records it")


def claimed_volumes_survive_a_replacement(context: Context) -> Iterator[Problem]:
    settings, now = context.settings, _replacing(context)
    for machine in context.plan.workers:
        has_volume = settings.workers[machine.pool].volume is not None
        if now.get(machine.hostname) and not has_volume and machine.hostname not in settings.rollout.lose_volumes:
            rule = (
                "its own disk goes with it: `up` asks the cluster, and keeps the machine if a claim has a volume there"
            )
            fix = "move such data first (docs/scaling.md), or name it in rollout.loseVolumes"
            yield Problem(_KEY, machine.hostname, rule, fix)
