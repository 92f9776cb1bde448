"""What lands on machines, by role: pure functions from a spec to the files of its step."""

from __future__ import annotations

from node.bundle import Bundle, File
from node.specs import ControlPlaneSpec, EtcdSpec, GatewaySpec, InstallSpec, UserDataSpec, WorkerSpec


def gateway(spec: GatewaySpec) -> Bundle:
    """The gateway step: keepalived, haproxy, NAT."""
    return Bundle("gateway", (File("converge", f"# {spec.base.name}\n", 0o755),))


def etcd(spec: EtcdSpec) -> Bundle:
    """The step of one etcd member."""
    return Bundle("etcd", (File("converge", f"# {spec.base.name}\n", 0o755),))


def control_plane(spec: ControlPlaneSpec) -> Bundle:
    """The step of one control plane: init or join, as the cluster's state calls for."""
    return Bundle("control-plane", (File("converge", f"# {spec.base.name}\n", 0o755),))


def worker(spec: WorkerSpec) -> Bundle:
    """The step of one worker."""
    return Bundle("worker", (File("converge", f"# {spec.base.name}\n", 0o755),))


def install(spec: InstallSpec) -> Bundle:
    """The step that bakes a machine image."""
    return Bundle("image", (File("converge", f"# {spec.packages.kubernetes}\n", 0o755),))


def user_data(spec: UserDataSpec) -> str:
    """The cloud-config of one machine."""
    return f"#cloud-config\n# {spec.name}\n"
