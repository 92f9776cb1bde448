"""Where kube-proxy finds the API: what runs on a gateway once every node has an API of its own."""

from __future__ import annotations

from typing import Final

from machines.kubernetes.kubeadm import LOCAL_ADDRESS
from machines.common.templates import render_template

#: Seconds: an API that is away for a while, four times.
LIMIT_SECONDS: Final = 300


def proxies_script(version: str, endpoint: str) -> str:
    """The text of the remote command, which has the administrator's certificate and key on standard input.

    `endpoint` is the API's host:port. An upgrade to another `version` of Kubernetes makes kubeadm tell kube-proxy of
    that address again, so the text has to be another one then.
    """
    server = f"https://{LOCAL_ADDRESS}:{endpoint.rpartition(':')[2]}"
    return render_template("gateway/kube-proxy-command.sh.j2", version=version, arguments=[endpoint, server], limit_seconds=LIMIT_SECONDS)
