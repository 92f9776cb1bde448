"""Renders the lab's configuration files from templates/ into the state folder. Nothing in /etc is touched."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from string import Template

from dev.files import write_whole
from dev.lab import apt_sources, passwords, places
from dev.lab.mirror.product import content_key, key_of, replacing
from dev.lab.services import ALL, Service

TEMPLATES = Path(__file__).with_name("templates")
DRIVER = Path(__file__).with_name("driver")
PLAIN = (
    *("mariadb.cnf", "rabbitmq.conf", "keystone.conf", "glance-api.conf", "placement.conf", "nova.conf"),
    *("neutron.conf", "ml2.ini", "l3.ini", "dhcp.ini", "metadata.ini", "registry.yml", "object-store.json"),
    *("databases.sql", "drop-databases.sql", "supervisord.conf"),
)
FOLDERS = (
    *("config/supervisor", "config/apt-cacher-ng", "logs/apt-cacher-ng", "run/mariadb", "run/locks", "glance"),
    *("images", "instances", "keystone", "neutron", "rabbitmq/mnesia", "rabbitmq/log", "mariadb", "kernel"),
    f"{places.OBJECT_STORE.name}/{places.BUCKET}",
)
# Other users (mysql) may pass the state folder but not list it. These folders in it are closed to them.
PRIVATE_FOLDERS = ("config", "keystone", "logs", "rabbitmq", "glance", "instances", "mariadb", places.OBJECT_STORE.name)
MIRROR_FOLDERS = ("registry", "apt-cacher", "www")
# Machines see these in place of the host's kernel settings. kubelet insists on these values and may not set them.
KERNEL_SETTINGS = {"overcommit_memory": "1\n", "panic": "10\n", "panic_on_oops": "1\n"}


def values(secrets: Mapping[str, str], debian: list[str], security: list[str], proxy: str) -> dict[str, str]:
    """Every value that a template may name, among them each constant of dev.lab.places, in lower case."""
    return {
        **{name.lower(): str(value) for name, value in vars(places).items() if name.isupper()},
        "keystone_url": places.api(places.PORTS.keystone),
        "glance_url": places.api(places.PORTS.glance),
        "apt_debian": " ".join(debian),
        "apt_security": " ".join(security),
        "apt_proxy": f"Proxy: {proxy}" if proxy else "",
        **{f"port_{name}": str(port) for name, port in vars(places.PORTS).items()},
        **{f"password_{name}": value for name, value in secrets.items()},
    }


def render(template: str, known: Mapping[str, str]) -> str:
    """A template's text. An undefined name is an error."""
    return Template((TEMPLATES / template).read_text()).substitute(known)


def program(service: Service) -> str:
    """A service as a supervisor program."""
    assignments = ",".join(f'{name}="{value}"' for name, value in sorted(service.environment.items()))
    return render(
        "supervisor-program.conf",
        {
            "name": service.program,
            "command": service.command.replace("%", "%%"),
            "environment": assignments.replace("%", "%%"),
            "state": str(places.STATE),
            "stop_signal": service.signal,
            # mariadbd and lxcfs stop their own children; uwsgi, nova-api and others are killed with their whole group
            "stop_as_group": "true" if service.signal == "KILL" else "false",
            "log": service.name,
        },
    )


def files(known: Mapping[str, str]) -> dict[str, str]:
    """Every file under config/ by its relative path."""
    made = {name: render(name, known) for name in PLAIN}
    made["apt-cacher-ng/acng.conf"] = render("acng.conf", known)
    for host in places.HOSTS:
        mapping = f"{places.PHYSICAL_NETWORK}:{places.PROVIDER_BRIDGE}" if host is places.NETWORK_HOST else ""
        local = {**known, "host": host.name, "host_address": host.address, "bridge_mappings": mapping}
        made[f"neutron-{host.name}.conf"] = render("neutron-host.conf", local)
        made[f"linuxbridge-{host.name}.ini"] = render("linuxbridge.ini", local)
        if host in places.COMPUTE_HOSTS:
            made[f"nova-{host.name}.conf"] = render("nova-compute.conf", local)
    for service in ALL:
        made[f"supervisor/{service.program}.conf"] = program(service)
    return made


def write() -> set[str]:
    """Write the files whose content changed, the driver and clouds.yaml. Returns the names of the changed files."""
    debian, security = apt_sources.archives(apt_sources.read())
    known = values(passwords.load(), debian, security, apt_sources.proxy())
    made = files(known)
    changed = {name for name, text in made.items() if _write(places.CONFIGURATION / name, text)}
    for stale in (places.CONFIGURATION / "supervisor").glob("*.conf"):
        if f"supervisor/{stale.name}" not in made:
            stale.unlink()
    _write(places.CLOUDS, render("clouds.yaml", known))
    for name, text in KERNEL_SETTINGS.items():
        _write(places.STATE / "kernel" / name, text, 0o644)
    # A copy, so that a running lab does not depend on the project's folder.
    if key_of(places.DRIVER) != (key := content_key(DRIVER)):
        with replacing(places.DRIVER, key) as fresh:
            shutil.copytree(DRIVER, fresh, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        changed.add("driver")
    return changed


def folders() -> None:
    """Make the folders that the services expect."""
    for folder in (*(places.STATE / name for name in FOLDERS), *(places.MIRROR / name for name in MIRROR_FOLDERS)):
        folder.mkdir(parents=True, exist_ok=True)
    places.STATE.chmod(0o711)
    for name in PRIVATE_FOLDERS:
        (places.STATE / name).chmod(0o700)
    for name in ("mariadb", "run/mariadb"):
        if places.STATE.joinpath(name).owner() != "mysql":
            shutil.chown(places.STATE / name, "mysql", "mysql")


def _write(path: Path, text: str, mode: int = 0o600) -> bool:
    if path.exists() and path.read_text() == text:
        return False
    write_whole(path, text, mode)
    return True
