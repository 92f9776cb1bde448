"""The desired state that control planes and workers have in common."""

from dataclasses import dataclass

from agent.kubernetes.authorities import AuthoritySettings
from agent.kubernetes.containerd import ContainerdSettings
from agent.kubernetes.node_settings import NodeSettings
from agent.kubernetes.registration import Registration
from agent.kubernetes.renewal import CertificateSettings
from agent.kubernetes.rollout import RolloutSettings


@dataclass(frozen=True)
class MemberSettings:
    """A node of the cluster."""

    node: NodeSettings
    certificates: CertificateSettings
    rollout: RolloutSettings
    registration: Registration
    containerd: ContainerdSettings


def authority_settings(wanted: MemberSettings) -> AuthoritySettings:
    """What the node is to trust."""
    return AuthoritySettings(
        wanted.node.name, wanted.node.authorities, wanted.certificates.generation, wanted.rollout.drain.seconds
    )
