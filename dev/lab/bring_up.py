"""`up`: makes a usable cloud, from an empty host or from whatever an earlier or interrupted run left."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from dev.errors import DevError
from dev.files import hold
from dev.lab import configuration, databases, images, network, packages, places, resources, services, supervision
from dev.lab.checks import check
from dev.lab.cloud import Cloud
from dev.lab.ownership import ours
from dev.lab.processes import marked
from dev.lab.progress import Progress
from dev.lab.teardown import down

# Seconds until the APIs answer when all are started at once on two cores.
API_LIMIT = 120
IDENTITY_MADE = places.STATE / "identity.made"


def lock(action: str) -> AbstractContextManager[None]:
    """Allow one `up`, `down` or `reset` at a time. The lock is outside the state folder, which `reset` deletes."""

    def refuse(holder: str) -> None:
        raise DevError(f"another command is using the lab: {holder}")

    return hold(Path("/run/lock/openstack-paas-lab.lock"), f"{action}, process {os.getpid()}", refuse)


def up(progress: Progress) -> None:
    """Run every step. Each looks at what exists and makes what is missing."""
    with progress.step("checks", quiet=True):
        installed = not packages.missing() and (places.STATE / "passwords.json").exists()
        check(installed)
    restart = mirror(progress)
    with ThreadPoolExecutor(max_workers=1) as pool:
        content = pool.submit(_content, progress)
        try:
            _openstack(progress, restart)
        except DevError as error:
            if not content.done():
                progress(f"error: {error}\n(this is shown again when the mirror's content is finished)")
            raise
        for name, tar in content.result().items():
            with progress.step(f"image {name}", quiet=True):
                images.ensure_image(name, tar, progress)
    with progress.step("object store", quiet=True):
        supervision.start(services.STORE, restart)
        supervision.wait(services.STORE, 30)
    progress(f"the lab is up: OS_CLIENT_CONFIG_FILE={places.CLOUDS} OS_CLOUD=lab")


def mirror(progress: Progress) -> frozenset[str]:
    """Start the mirror's daemons with what they need: packages, bridge, configuration and supervisor.

    Returns the services that must restart because one of their files changed. The mirror's own are restarted.
    """
    with progress.step("packages", quiet=True):
        packages.install(progress, places.CACHE / "lab-apt.log")
    if not supervision.alive() and (ours() or marked()):
        progress("the lab did not shut down cleanly: removing what it left behind")
        down(progress)
    with progress.step("configuration", quiet=True):
        configuration.folders()
        changed = configuration.write()
    with progress.step("network", quiet=True):
        network.ensure()
    restart = concerned(changed) if supervision.alive() else frozenset()
    supervision.ensure()
    with progress.step("mirror's services", quiet=True):
        supervision.start(services.MIRROR, restart)
        supervision.wait(services.MIRROR, 30)
    return restart


def concerned(changed: set[str]) -> frozenset[str]:
    """The services that must restart because a file changed: theirs, one that they name, or the driver."""

    def reads(service: services.Service, name: str) -> bool:
        if name == "driver":
            return service.name.startswith(("compute-", "linuxbridge-"))
        path = f"{places.CONFIGURATION}/{name.partition('/')[0]}"  # apt-cacher-ng names its folder
        named = any(path in text for text in (service.command, *service.environment.values()))
        return named or name == f"{service.name}.conf"

    return frozenset(service.name for service in services.ALL if any(reads(service, name) for name in changed))


def _openstack(progress: Progress, restart: frozenset[str]) -> None:
    since = time.time() - 1
    supervision.stop([service for service in services.BASE if service.name in restart])
    with progress.step("database, queue, cache", quiet=True):
        databases.ensure(progress)
    cloud = Cloud()
    with progress.step("keystone, placement, glance", quiet=True):
        supervision.start(services.IDENTITY, restart)
        if IDENTITY_MADE.exists():
            # These programs take seconds to load. Only then do they need keystone, which already knows their users.
            supervision.start(services.CONTROL, restart)
        supervision.wait(services.IDENTITY, API_LIMIT)
        resources.ensure_identity(cloud)
        IDENTITY_MADE.touch()
    with progress.step("neutron, nova", quiet=True):
        supervision.start(services.CONTROL)
        supervision.wait(services.CONTROL, API_LIMIT)
    with progress.step("agents and compute hosts", quiet=True):
        started = supervision.start((*services.AGENTS, *services.COMPUTES), restart)
        resources.ensure(cloud)
        if started or resources.not_reporting(cloud) or resources.silent_routers(cloud):
            resources.wait_for_hosts(cloud, since if len(started) > 1 else 0)


def _content(progress: Progress) -> dict[str, Path]:
    """The mirror's content and the machine images made from it. Takes minutes on a new host, later seconds."""
    # Imported here because they need modules that the packages step has just installed.
    from dev.lab.image import build
    from dev.lab.mirror import content

    with progress.step("mirror's content", quiet=True):
        content.ensure(progress)
    with progress.step("machine images", quiet=True):
        return dict(build.ensure(progress))


def restart(progress: Progress, name: str | None) -> None:
    """Restart one service, or all of OpenStack's. Machines keep running."""
    openstack = (*services.IDENTITY, *services.CONTROL, *services.AGENTS, *services.COMPUTES)
    chosen = tuple(service for service in services.ALL if service.name == name) if name else openstack
    if not chosen:
        raise DevError(f"unknown service {name}; known: {', '.join(service.name for service in services.ALL)}")
    if not supervision.alive():
        raise DevError("the lab is down")
    supervision.stop(chosen)
    up(progress)
