"""How a node leaves the cluster: what runs on a gateway before the node's machine is deleted."""

from __future__ import annotations

from typing import Final, Literal

from machines.common.templates import render_template
from machines.kubernetes.api import api_endpoint
from settings.platform import Platform

#: Seconds for all but the drain: the wait for others that leave in the same run (leave.sh: TURN_SECONDS), and an
#: API that is away for a while, three times.
_REST_SECONDS: Final = 3600 + 240


def leave_script(platform: Platform, hostname: str, data: Literal["", "kept", "lose"] = "") -> str:
    """The text of the remote command, which has the administrator's certificate and key on standard input.

    The scripts are the gateway's own: a state holds the text twice for every node. `data` is `kept` or `lose` where the
    machine is replaced and comes back with its volumes, or may lose them; otherwise volumes with a claim hold the node.
    """
    rollout = platform.settings.rollout
    arguments = [hostname, api_endpoint(platform), str(rollout.drain_seconds), rollout.bare_pods]
    return render_template(
        "gateway/leave-command.sh.j2",
        arguments=[*arguments, *([data] if data else [])],
        limit_seconds=rollout.drain_seconds + _REST_SECONDS,
    )
