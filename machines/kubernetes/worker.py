"""The bundle of a worker."""

from collections.abc import Mapping
from typing import Final

from machines.common.bundle import Bundle, File, script_file, scripts
from machines.common.packages import role_packages
from machines.common.templates import read_plain, render_template
from machines.common.volume import Use, volume_settings, with_volume
from machines.kubernetes.api import LOCAL_ADDRESS, LOCAL_ENDPOINT
from machines.kubernetes.node import NODE_SCRIPTS, node_files
from settings import ports
from settings.plan import PlannedMachine
from settings.platform import Platform

_VOLUME_FOLDERS: Final = "openstack-paas-volume-folders"


def worker_bundle(platform: Platform, planned: PlannedMachine, secrets: Mapping[str, str]) -> Bundle:
    """A worker: joins once the API answers, by a balancer of its own: gateways may be away.

    `secrets` has what every node joins with, and the volume's id.
    """
    settings, folder = platform.settings, platform.settings.storage.worker_path
    volume, use = settings.workers[planned.pool].volume, Use(folder, "kubelet.service")
    wanted = role_packages(settings, node=True, balancer=True)
    script_settings = {"VOLUME_DIRECTORIES": [folder]} | volume_settings(volume, use, secrets)
    files = (
        *scripts("kubernetes/worker.sh", *NODE_SCRIPTS),
        *node_files(platform, planned, secrets, LOCAL_ENDPOINT, wanted, script_settings),
        File("files/haproxy.cfg", _api_balancer(platform)),
        File("files/openstack-paas-haproxy.conf", read_plain("kubernetes/haproxy-service.conf")),
        # What keeps the volumes in this folder usable.
        script_file("kubernetes/volume-folders.sh"),
        *(
            File(
                f"files/{_VOLUME_FOLDERS}.{kind}",
                render_template(f"kubernetes/volume-folders.{kind}.j2", folder=folder),
            )
            for kind in ("path", "service")
        ),
    )
    return Bundle("worker", with_volume(files, volume, use))


def _api_balancer(platform: Platform) -> str:
    """The API for the worker itself, from every control plane that exists or may exist: one more changes no worker."""
    plan = platform.plan
    servers = zip(plan.control_plane_hostnames, plan.control_plane_places, strict=True)
    return render_template(
        "kubernetes/haproxy.cfg.j2", settings=platform.settings, address=LOCAL_ADDRESS, port=ports.API, servers=servers
    )
