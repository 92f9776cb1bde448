"""`paas recover`: look, prove that nobody else runs, look at the state once more, delete, clear the notes."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from ops.recover import cloud, dead_locks, helm
from ops.recover.cloud import Cloud, Found
from ops.recover.engine import Engine
from ops.recover.notes import Notes, RecoverError
from ops.shared.cluster import ClusterError
from ops.shared.stack_state import StackError, choose, read_file

Say = Callable[[str], None]


class Places:
    """Where things of the selected stack may have been left."""

    def cloud(self, notes: Notes) -> Cloud:
        """OpenStack, with the credentials of the stack's own provider. Raises RecoverError."""
        try:
            provider = read_file(choose(None, Path.cwd()), Path.cwd()).provider
        except StackError as error:
            raise RecoverError(f"nothing was deleted: {error}") from error
        return cloud.connect(dict(provider), notes.projects)

    #: Helm's records in the cluster, by the administrator's kubeconfig. Raises ClusterError.
    helm = staticmethod(helm.left_behind)


def recover(engine: Engine, places: Places, say: Say, releases: bool = True) -> int:
    """0 when nothing is left to clear, 1 when Helm could not be asked although an operation on a release did not end.

    Before a `destroy` nobody needs `releases`: they go with their cluster, which may be dead. Raises RecoverError when
    nothing, or not all, could be done.
    """
    before = engine.export()
    revisions = _revisions(engine, places, before, say) if releases else []
    unasked = before.names_releases and revisions is None
    things = _things(places, before)
    # What only Helm can tell keeps its note; the rest is cleared all the same, because `up` repairs the cluster.
    if not revisions and (not before.pending or (unasked and not things)):
        return 1 if unasked else 0
    engine.prove_idle(before)
    after = engine.export()
    if after.identities != before.identities:
        raise RecoverError("another Pulumi has changed this stack in the meantime: nothing was deleted; run this again")
    _delete(things, before.known | after.known, say)
    for revision in revisions or []:
        say(f"recover: {revision.what} was left by an operation that was killed; deleting its record")
        revision.delete()
    if unasked:
        return 1
    if after.creations:
        if engine.export().identities != after.identities:
            raise RecoverError("another Pulumi works on this stack by now: its notes stay; run this again afterwards")
        engine.clear_creations(after)
    if before.pending:
        say(f"recover: cleared the notes of {len(before.pending)} operation(s) that an earlier `up` had not finished")
    return 0


def _revisions(engine: Engine, places: Places, notes: Notes, say: Say) -> list[Found] | None:
    """What was left of Helm's releases; None when the cluster could not be asked."""
    if not notes.releases:
        return []
    kubeconfig = engine.export(secrets=True).kubeconfig
    if not kubeconfig:
        say("recover: the state has no kubeconfig: Helm's releases were not looked at")
        return None
    try:
        return places.helm(kubeconfig, notes.releases)
    except ClusterError as error:
        # Unless a note names a release there is no reason to wait for a cluster that `up` may be about to repair.
        reason = ", though an operation on one did not end" if notes.names_releases else ""
        say(f"recover: the cluster's API does not answer ({error}): Helm's releases were not looked at{reason}")
        if reason:
            say("recover: `pulumi up` repairs the cluster; run this again when its API answers")
        return None


def _things(places: Places, notes: Notes) -> list[Found]:
    """What begun creations left, in the order in which it can be deleted: the reverse of how it was begun."""
    begun = [one for one in reversed(notes.creations) if one.type.startswith("openstack:")]
    if not begun:
        return []
    project = places.cloud(notes)
    return [found for one in begun for found in project.matching(one, notes.known) if found.id not in notes.known]


def _delete(things: Sequence[Found], known: frozenset[str], say: Say) -> None:
    """Deletes what no state knows, and names what stays for a doubt."""
    from openstack.exceptions import NotFoundException, SDKException

    for found in {found.id: found for found in things if found.id not in known}.values():
        if found.doubt:
            say(f"recover: {found.what} is in no state and may be a leftover, but {found.doubt}: it stays")
            continue
        say(f"recover: {found.what} was left by an `up` that was killed; deleting it")
        try:
            found.delete()
        except NotFoundException:
            say(f"recover: {found.what} is gone already")
        except SDKException as error:
            raise RecoverError(f"{found.what} cannot be deleted: {error}; its note stays, run this again") from error


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--no-releases", action="store_true", help="leave Helm's releases, as before `pulumi destroy`")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace, say: Say = print) -> int:
    """Recover the selected stack; the exit status. Raises RecoverError."""
    engine = Engine()
    dead_locks.clear(engine.backend(), say)
    return recover(engine, Places(), say, releases=not arguments.no_releases)
