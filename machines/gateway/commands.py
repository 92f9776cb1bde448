"""What Pulumi runs on a gateway that acts on the cluster: the gate before addons."""

from typing import Final

from agent.kubernetes.api_gate import ApiGate
from machines.common.agent_command import AgentCommand
from machines.kubernetes.api import gateway_endpoint
from settings.platform import Platform

#: Seconds: from etcd's health to the first answer an API server takes some 15 s, its packages a few minutes on a
#: plain image.
GATE_SECONDS: Final = 900


def api_gate_bundle(platform: Platform, ca_certificate: str) -> AgentCommand:
    """The step that ends when the API answers at the address that machines use.

    `ca_certificate` (PEM) has signed the API's certificate.
    """
    gate = ApiGate(gateway_endpoint(platform), GATE_SECONDS, ca_certificate)
    return AgentCommand("gateway", gate, "gate", GATE_SECONDS + 30, installed=True)
