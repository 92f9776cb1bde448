"""How a node leaves the cluster: what runs on a gateway before the node's machine is deleted."""

from __future__ import annotations

from typing import Final

from node.base import settings_file
from node.bundle import CONVERGE, Bundle, File
from node.specs import LeaveSpec
from node.templates import read_script, render_template

#: Seconds that a node waits for others which leave in the same run: dozens of them, with drains of a minute.
TURN_SECONDS: Final = 3600
#: Seconds for everything but the wait and the drain: the API may be away for a while, three times.
_REST_SECONDS: Final = 240


def leave(spec: LeaveSpec) -> Bundle:
    """The step. Its text is `leave_script`, not the bundle's own, which installs the bundle on the machine for good."""
    settings = {
        "NODE": spec.node,
        "ENDPOINT": spec.endpoint,
        "DRAIN_SECONDS": str(spec.drain_seconds),
        "BARE_PODS": spec.bare_pods,
        "TURN_SECONDS": str(TURN_SECONDS),
    }
    return Bundle(
        "leave",
        (
            File(CONVERGE, read_script("leave.sh"), 0o700),
            File("lib.sh", read_script("lib.sh")),
            File("drain.sh", read_script("drain.sh")),
            settings_file(settings),
            File("ca.crt", spec.ca_certificate),
            File("administrator.crt", spec.administrator.certificate),
            File("administrator.key", spec.administrator.private_key, 0o600, secret=True),
        ),
        limit_seconds=TURN_SECONDS + spec.drain_seconds + _REST_SECONDS,
    )


def leave_script(bundle: Bundle) -> str:
    """The text of the remote command: unpacks the archive from standard input into memory, runs it, removes it."""
    return render_template("leave.sh.j2", step=bundle.step, limit_seconds=bundle.limit_seconds, files=bundle.listing())
