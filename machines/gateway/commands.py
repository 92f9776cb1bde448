"""What Pulumi runs on a gateway that acts on the cluster: the gate before addons, kube-proxy, nodes that leave."""

from typing import Final, Literal

from agent.kubernetes.api_gate import ApiGate
from machines.common.agent_command import AgentCommand
from machines.common.templates import render_template
from machines.kubernetes.api import LOCAL_ENDPOINT, api_endpoint, gateway_endpoint
from settings.platform import Platform

#: Seconds: from etcd's health to the first answer an API server takes some 15 s, its packages a few minutes on a
#: plain image.
GATE_SECONDS: Final = 900
#: Seconds: an API that is away for a while, four times.
KUBE_PROXY_SECONDS: Final = 300
#: Seconds for all of a node's leaving except the drain: the wait for others that leave in the same run (leave.sh:
#: TURN_SECONDS), and an API that is away for a while, three times.
_LEAVE_SECONDS: Final = 3600 + 240


def api_gate_bundle(platform: Platform, ca_certificate: str) -> AgentCommand:
    """The step that ends when the API answers at the address that machines use.

    `ca_certificate` (PEM) has signed the API's certificate.
    """
    gate = ApiGate(gateway_endpoint(platform), GATE_SECONDS, ca_certificate)
    return AgentCommand("gateway", gate, "gate", GATE_SECONDS + 30, installed=True)


def kube_proxy_script(platform: Platform) -> str:
    """The command that points kube-proxy at its own node, once every node has an API of its own.

    It has the administrator's certificate and key on standard input. It names the version of Kubernetes: an upgrade
    makes kubeadm write the address that clients use into kube-proxy's configuration again, so the command has to run
    again then.
    """
    return render_template(
        "gateway/kube-proxy-command.sh.j2",
        version=platform.settings.kubernetes.version,
        arguments=[api_endpoint(platform), f"https://{LOCAL_ENDPOINT}"],
        limit_seconds=KUBE_PROXY_SECONDS,
    )


def leave_script(platform: Platform, hostname: str, data: Literal["", "kept", "lose"] = "") -> str:
    """The command by which a node leaves the cluster before its machine is deleted.

    It has the administrator's certificate and key on standard input. The scripts are the gateway's own: a state holds
    the text twice for every node. `data` is `kept` or `lose` where the machine is replaced and comes back with its
    volumes, or may lose them; otherwise volumes with a claim hold the node.
    """
    rollout = platform.settings.rollout
    arguments = [hostname, api_endpoint(platform), str(rollout.drain_seconds), rollout.bare_pods]
    return render_template(
        "gateway/leave-command.sh.j2",
        arguments=[*arguments, *([data] if data else [])],
        limit_seconds=rollout.drain_seconds + _LEAVE_SECONDS,
    )
