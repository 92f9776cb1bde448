"""Where kube-proxy finds the API: what runs on a gateway once every node has an API of its own."""

from __future__ import annotations

from typing import Final

from machines.common.templates import render_template
from machines.kubernetes.api import LOCAL_ENDPOINT, api_endpoint
from settings.platform import Platform

#: Seconds: an API that is away for a while, four times.
LIMIT_SECONDS: Final = 300


def kube_proxy_script(platform: Platform) -> str:
    """The text of the remote command, which has the administrator's certificate and key on standard input.

    It names the version of Kubernetes: an upgrade makes kubeadm write the address that clients use into kube-proxy's
    configuration again, so the command has to run again then.
    """
    return render_template(
        "gateway/kube-proxy-command.sh.j2",
        version=platform.settings.kubernetes.version,
        arguments=[api_endpoint(platform), f"https://{LOCAL_ENDPOINT}"],
        limit_seconds=LIMIT_SECONDS,
    )
