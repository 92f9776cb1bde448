"""What snapshots there are, for `ops`: on this machine, and in the places off it."""

from typing import Any

from agent.etcd.backup_copies import Copies, CopyError
from agent.etcd.backup_record import Store
from agent.etcd.backup_settings import BackupSettings
from agent.machine import Machine


def listing(machine: Machine, settings: BackupSettings, here: bool = False) -> dict[str, Any]:
    """As a document for JSON; with `here` the places are not asked. A place that does not answer is in it as a problem.

    Snapshots are ordered by revision, the newest last.
    """
    store = Store(machine)
    return {
        "member": settings.name,
        "now": int(machine.clock.now().timestamp()),
        "interval": 60 * settings.interval_minutes,
        "status": store.status,
        "snapshots": [one.document for one in store.descriptions()],
        "places": {} if here else _places(Copies(machine, settings), settings),
    }


def _places(copies: Copies, settings: BackupSettings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for place in settings.places:
        try:
            found[place.name] = {"snapshots": [one.document for one in copies.there(place)]}
        except CopyError as error:
            found[place.name] = {"problem": str(error)}
    return found
