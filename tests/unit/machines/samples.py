"""Whole stacks as the program reads them from their files, and the steps of their machines, with made-up secrets."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dev.lab.image.build import install_command
from dev.lab.mirror.content import KUBERNETES
from dev.lab.mirror.product import MIRROR_PLACES
from machines.common.agent_command import AgentCommand
from machines.common.templates import MACHINES, read_plain
from machines.etcd.command import etcd_command
from machines.gateway.command import gateway_command
from machines.kubernetes.control_plane import control_plane_command
from machines.kubernetes.worker import worker_command
from settings.load import parse
from settings.plan import PlannedMachine
from settings.platform import Platform
from settings.presets import WHOLE, merged
from settings.stack_file import BACKUP_SECRETS, ENCRYPTED
from tests.unit.fake_joining import SECRET

PROJECT = Path(__file__).resolve().parents[3]
_CERTIFICATES = ("ca", "member", "client", "front_proxy_ca", "service_account", "etcd_ca", "etcd_client")
#: What components hand to steps: no tool would accept these, and they are found again in any output.
INPUTS = {
    **{name: f"certificate of {name}\n" for name in _CERTIFICATES},
    **{f"{name}_key": f"{SECRET} key of {name}\n" for name in _CERTIFICATES},
    **{name: f"{SECRET} {name}" for name in BACKUP_SECRETS},
    "api_addresses": "203.0.113.7",
    "login_keys": "debian\nssh-ed25519 AAAA one\nssh-ed25519 BBBB two\n",
    "joining": f"{SECRET} joining",
    "instance": "7f6c1d52-0a4b-4b7e-8f6e-5d3a9c2b1e04",
    "created": "2026-11-21 12:00:00 +0000 UTC",
    "volume": "0b4f7ad8-5c1e-4a8e-9d3c-2f1a6b7c8d9e",
}

COMMANDS: Mapping[str, Callable[[Platform, PlannedMachine, Mapping[str, str]], AgentCommand]] = {
    "gateway": gateway_command,
    "etcd": etcd_command,
    "control-plane": control_plane_command,
    "worker": worker_command,
}
#: Stacks with other settings than Pulumi.prod.yaml, by what is special, with the roles that differ.
VARIANTS: Mapping[str, tuple[tuple[str, ...], Mapping[str, Any]]] = {
    "without-public-vip": (("gateway",), {"network": {"publicVip": "none"}}),
    "alone": (("gateway",), {"gateways": {"count": 1}}),
    "on-provider-network": (
        ("gateway",),
        {
            "network": {
                "publicVip": "provider-network",
                "edge": "203.0.113.0/24",
                "publicVipAddress": "203.0.113.10",
                "edgeGateway": "203.0.113.1",
            },
            "gateways": {"edgeAddresses": ["203.0.113.11", "203.0.113.12"]},
        },
    ),
    "octavia": (("gateway",), {"api": {"loadBalancer": "octavia"}}),
    "without-backups": (("etcd",), {"backups": {"etcd": {"enabled": False}}}),
    "copies": (
        ("etcd",),
        {
            "backups": {
                "etcd": {"intervalMinutes": 30},
                "copyTo": {
                    "s3": {
                        "endpoint": "https://s3.example",
                        "bucket": "backups",
                        "prefix": "paas",
                        "caCertificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                    },
                    "sftp": {
                        "host": "backup.example",
                        "port": 2022,
                        "user": "backup",
                        "folder": "/srv/backups",
                        "hostKey": "ssh-ed25519 AAAA",
                    },
                },
                "encryptTo": ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
            },
            **dict.fromkeys(BACKUP_SECRETS, ENCRYPTED),
        },
    ),
    "volume": (
        ("etcd", "worker"),
        {"etcd": {"volume": {"sizeGib": 20}}, "workers": {"general": {"count": 3, "volume": {"sizeGib": 20}}}},
    ),
    "proxy": (
        ("worker",),
        {"proxy": {"http": "http://proxy.example:3128", "extraNoProxy": ["mirror.example", "10.0.0.0/8"]}},
    ),
    "labels-and-taints": (
        ("worker",),
        {
            "workers": {
                "database": {"count": 3, "labels": {"disk": "local"}, "taints": ["dedicated=database:NoSchedule"]},
                "general": {"count": 3, "firstAddress": 200},
            }
        },
    ),
    "schedulable": (("control-plane",), {"controlPlanes": {"schedulable": True}}),
    "other-certificates": (
        ("control-plane", "worker"),
        {"certificates": {"epoch": "spring", "leafValidityHours": 2000, "renewalHours": 200}},
    ),
    "pinned-packages": (
        ("gateway", "worker"),
        {"maintenance": {"packages": {"haproxy": "2.6.12-1+deb12u3"}, "epoch": "2026-11"}},
    ),
}
STACKS = ("prod", "dev", "lab")


@cache
def stack(name: str) -> Platform:
    """What the program makes of a stack file of the project."""
    return parse(_values(name), name)


@cache
def variant(name: str) -> Platform:
    """Pulumi.prod.yaml with what is special about the variant."""
    return parse(merged(_values("prod"), VARIANTS[name][1], WHOLE), "prod")


def command(platform: Platform, role: str, number: int = 0) -> AgentCommand:
    """The step of a machine of the role, by its place in the plan."""
    planned = [machine for machine in platform.plan.machines if machine.role == role][number]
    return COMMANDS[role](platform, planned, INPUTS)


def image() -> AgentCommand:
    """What the lab's image is baked with."""
    return install_command(MIRROR_PLACES, KUBERNETES)


def sources() -> dict[str, str]:
    """The path below machines/ of each file that needs no rendering, by its text."""
    paths = [
        path for kind in ("sh", "service", "timer", "conf", "yaml") for path in sorted(MACHINES.rglob(f"*.{kind}"))
    ]
    names = [str(path.relative_to(MACHINES)) for path in paths]
    return {read_plain(name): name for name in names}


SOURCES = sources()


@dataclass(frozen=True)
class Part:
    """One value of a desired state, by the names of the fields that lead to it."""

    path: str
    content: str
    secret: bool


def entries(made: AgentCommand) -> list[Part]:
    """What a step brings."""
    return list(_parts(made.state))


def files(made: AgentCommand) -> dict[str, str]:
    """What a step brings, by path."""
    return {file.path: file.content for file in entries(made)}


def _parts(value: Any, path: str = "", secret: bool = False) -> Iterator[Part]:
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            below = f"{path}.{field.name}" if path else field.name
            yield from _parts(getattr(value, field.name), below, secret or not field.repr)
    elif isinstance(value, tuple) and any(dataclasses.is_dataclass(item) for item in value):
        for number, item in enumerate(value):
            yield from _parts(item, f"{path}[{number}]", secret)
    else:
        content = value if isinstance(value, str) else json.dumps(value)
        yield Part(path, content, secret and bool(content))


def _values(name: str) -> dict[str, Any]:
    config = yaml.safe_load((PROJECT / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))["config"]
    return {key.removeprefix("openstack-paas:"): value for key, value in config.items()}
