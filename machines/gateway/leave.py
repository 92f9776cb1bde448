"""How a node leaves the cluster: what runs on a gateway before the node's machine is deleted."""

from __future__ import annotations

from typing import Final

from machines.common.templates import render_template

#: Seconds for all but the drain: the wait for others that leave in the same run (leave.sh: TURN_SECONDS), and an
#: API that is away for a while, three times.
_REST_SECONDS: Final = 3600 + 240


def leave_script(node: str, endpoint: str, drain_seconds: int, bare_pods: str, data: str = "") -> str:
    """The text of the remote command, which has the administrator's certificate and key on standard input.

    The scripts are the gateway's own: a state holds the text twice for every node. `endpoint` is the API's host:port,
    `bare_pods` is `delete` or `refuse`: pods that nobody would make anew. `data` is `kept` or `lose` where the machine
    is replaced and comes back with its volumes, or may lose them; otherwise volumes with a claim hold the node.
    """
    return render_template(
        "gateway/leave-command.sh.j2",
        arguments=[node, endpoint, str(drain_seconds), bare_pods, *([data] if data else [])],
        limit_seconds=drain_seconds + _REST_SECONDS,
    )
