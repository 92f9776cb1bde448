"""The desired state of a worker."""

from collections.abc import Mapping

from agent.kubernetes.worker import WorkerSettings
from agent.roles.worker import State
from machines.common.agent_command import AgentCommand
from machines.common.machine import machine_state
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from machines.common.volume import desired_volume
from machines.kubernetes.api import LOCAL_ADDRESS, LOCAL_ENDPOINT
from machines.kubernetes.node import KERNEL, node_settings
from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform


def worker_command(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> AgentCommand:
    """A worker: joins once the API answers, by a balancer of its own: gateways may be away.

    `secrets` has what every node joins with, the keys that log in, and the volume's id.
    """
    settings, folder = platform.settings, platform.settings.storage.worker_path
    volume = desired_volume(settings.workers[planned.pool].volume, secrets, folder, "kubelet.service")
    wanted = role_packages(settings, node=True, balancer=True)
    worker = WorkerSettings(
        **vars(node_settings(platform, planned, secrets, LOCAL_ENDPOINT)),
        volume_folder=folder,
        balancer=_api_balancer(platform),
        balancer_unit=read_plain("kubernetes/haproxy-service.conf"),
        volumes_service=read_plain("kubernetes/volume-folders.service"),
        volumes_path=render_template("kubernetes/volume-folders.path.j2", folder=folder),
    )
    state = State(machine_state(platform, planned, wanted, secrets["login_keys"], volume=volume, **KERNEL), worker)
    return AgentCommand("worker", state)


def _api_balancer(platform: Platform) -> str:
    """The API for the worker itself, from every control plane that exists or may exist: one more changes no worker."""
    plan = platform.plan
    servers = zip(plan.control_plane_hostnames, plan.control_plane_places, strict=True)
    return render_template(
        "kubernetes/haproxy.cfg.j2", settings=platform.settings, address=LOCAL_ADDRESS, port=ports.API, servers=servers
    )
