"""The desired state of a control plane."""

from collections.abc import Mapping

from agent.kubernetes.control_plane_state import ControlPlaneSettings, Pki
from agent.roles.control_plane import State
from machines.common.agent_command import AgentCommand
from machines.common.machine import machine_state
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from machines.etcd.command import endpoints
from machines.kubernetes.api import api_endpoint, api_server_names, signing
from machines.kubernetes.joining import GROUP, USER
from machines.kubernetes.kubeadm import init_configuration
from machines.kubernetes.node import KERNEL, node_settings
from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.running import may_begin


def control_plane_command(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> AgentCommand:
    """A control plane with external etcd: initialises the cluster or joins it, whichever is needed.

    `secrets` has certificates and keys in PEM by the names of the component's inputs, the keys that log in, and
    `api_addresses`, those by which the API is reached from outside, separated by commas.
    """
    settings, outside, ca = platform.settings, secrets["api_addresses"].split(","), secrets["ca"]
    control_plane = ControlPlaneSettings(
        **vars(node_settings(platform, planned, secrets, api_endpoint(platform))),
        pki=Pki(
            ca_key=secrets["ca_key"],
            front_proxy_ca=secrets["front_proxy_ca"],
            front_proxy_ca_key=secrets["front_proxy_ca_key"],
            service_account=secrets["service_account"],
            service_account_key=secrets["service_account_key"],
            etcd_ca=secrets["etcd_ca"],
            etcd_client=secrets["etcd_client"],
            etcd_client_key=secrets["etcd_client_key"],
        ),
        address=planned.address,
        api_port=ports.API,
        etcd_endpoints=endpoints(platform),
        init_configuration=init_configuration(platform, planned, outside, ca),
        api_names=tuple(api_server_names(platform, planned, outside)),
        signing=tuple(f"--{name}={value}" for name, value in signing(platform, ca).items()),
        had_cluster=not may_begin(platform.running, platform.plan.control_planes, planned, secrets["instance"]),
        start_empty=settings.etcd.start_empty,
        objects=_objects(platform),
    )
    wanted = role_packages(settings, node=True, etcd=True)
    state = State(machine_state(platform, planned, wanted, secrets["login_keys"], **KERNEL), control_plane)
    # Longer than its waits one after another: cloud-init, etcd, the lock, the API, the join, others' API servers.
    return AgentCommand("control-plane", state, limit_seconds=1500)


def _objects(platform: Platform) -> tuple[str, ...]:
    """The platform's own objects of the cluster.

    A machine that joins may remove the lost node whose name it has. The cluster's DNS does not leave all at once when
    nodes are drained: kubeadm makes no such budget.
    """
    # Not the planned names: one more worker would change every control plane.
    names = f"{platform.cluster}-(control-plane-[0-9]|worker-[a-z0-9-]+)"
    return (
        read_plain("kubernetes/rights.yaml"),
        render_template("kubernetes/nodes.yaml.j2", group=GROUP, user=USER, names=names),
        read_plain("kubernetes/disruption.yaml"),
    )
