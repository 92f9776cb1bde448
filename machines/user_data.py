"""The cloud-config of a machine, by which cloud-init gives it its SSH host key and, on gateways, its way out.

Any change of what this module renders replaces the machines: a golden file guards it.
"""

from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from machines.common.templates import read_plain
from machines.gateway.command import edge_route_unit
from settings.plan import PlannedMachine
from settings.platform import Platform

_SSHD_ORDER: Final = PurePosixPath("/etc/systemd/system/ssh.service.d/10-openstack-paas.conf")


def user_data(platform: Platform, planned: PlannedMachine, host_private_key: str, host_public_key: str) -> str:
    """The cloud-config. It holds one secret, the machine's own SSH host key."""
    config: dict[str, Any] = {
        "hostname": planned.hostname,
        "preserve_hostname": False,
        # Each boot writes /etc/hosts, with this machine's name as one of localhost.
        "manage_etc_hosts": "localhost",
        # sshd answers once users may log in (pam_nologin(8)): Pulumi has a single connection through a gateway for all
        # its attempts to log in on a machine, so a machine that answers and refuses is lost for its step.
        "bootcmd": [
            f"mkdir -p {_SSHD_ORDER.parent}; printf '[Unit]\\nAfter=systemd-user-sessions.service\\n' >{_SSHD_ORDER}",
            ["systemctl", "daemon-reload"],
        ],
        "ssh_pwauth": False,
        "disable_root": True,
        # Images may bring host keys; only the one that Pulumi verifies is to be left.
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_private_key, "ed25519_public": host_public_key},
    }
    if planned.role == "gateway":
        config["write_files"] = [
            {
                "path": "/usr/local/sbin/openstack-paas-edge-route",
                "permissions": "0755",
                "content": read_plain("gateway/edge-route.sh"),
            },
            {
                "path": "/etc/systemd/system/openstack-paas-edge-route.service",
                "permissions": "0644",
                "content": edge_route_unit(platform),
            },
        ]
        config["runcmd"] = [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "--now", "openstack-paas-edge-route.service"],
        ]
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=False, width=120)
