"""The end of cloud-init: before it, keys, names and networks of the machine may still change."""

import json
from typing import Final

from agent.machine import Machine, NotYet
from agent.programs import NOT_FOUND, TIMED_OUT

#: Where it says how it ended, and that it does not run on this machine.
RESULT, DISABLED = "/run/cloud-init/result.json", "/run/cloud-init/disabled"
#: What `cloud-init status` says before its end. Its releases since 24.1 say "not started" for "not run".
_BEFORE_ITS_END: Final = ("running", "not run", "not started")


def wait(machine: Machine) -> None:
    """Waits until cloud-init has ended; also with errors, for a machine that answers by SSH may be good enough.

    Raises Failed when it does not end.
    """
    machine.unit = "cloud-final.service"
    machine.retry_until(240, "cloud-init to end", lambda: _look(machine))
    if machine.path(RESULT).exists() and not _ended_well(machine):
        machine.log("cloud-init ended with errors (see cloud-init status --long); continuing")


def _look(machine: Machine) -> None:
    if machine.path(RESULT).exists() or machine.path(DISABLED).exists():
        return
    ended = machine.run("cloud-init", "status", seconds=20)
    if ended.status == NOT_FOUND:
        return
    said = f"{ended.output}{ended.errors}"
    if ended.status == TIMED_OUT or any(word in said for word in _BEFORE_ITS_END):
        raise NotYet(ended.said)


def _ended_well(machine: Machine) -> bool:
    try:
        result = json.loads(machine.path(RESULT).read_text(encoding="utf-8"))
        return not result["v1"]["errors"]
    except (ValueError, KeyError, TypeError, OSError):
        return False
