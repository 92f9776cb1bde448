"""Debian's packages of the machines' roles, which may have a version of their own (`maintenance.packages`).

Plain constants with nothing of ours to import, as settings/versions.py is.
"""

from typing import Final

BALANCER_PACKAGES: Final = ("haproxy",)
GATEWAY_PACKAGES: Final = (*BALANCER_PACKAGES, "keepalived")
NODE_PACKAGES: Final = ("conntrack", "containerd", "ebtables", "ethtool", "ipset", "iptables", "runc", "socat")
ROLE_PACKAGES: Final = (*GATEWAY_PACKAGES, *NODE_PACKAGES)
