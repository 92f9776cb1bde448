"""What all machines are made with, and how they are reached: the network, the catalog and the SSH key."""

from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_command import remote
from pulumi_openstack import compute

from components.network import Network
from preflight.cloud import Catalog
from settings import names
from settings.platform import Platform

#: Attempts to reach SSH: with the provider's back-off some 60 s without the dials themselves.
DIAL_ERROR_LIMIT = 20
#: Seconds for one connection to a gateway; a packet lost while a VIP moves must not hold a step up for long.
DIAL_TIMEOUT = 10


@dataclass(frozen=True)
class Access:
    """How machines are reached: as whom, with which key, and through which gateway address (host and its key)."""

    user: str
    private_key: pulumi.Output[str]
    proxy_address: pulumi.Input[str] = ""
    proxy_host_key: pulumi.Input[str] = ""

    def connection(self, host: pulumi.Input[str], host_key: pulumi.Input[str]) -> remote.ConnectionArgs:
        """Connection to `host`, whose key is verified, through the proxy, if any."""
        common = {
            "user": self.user,
            "private_key": self.private_key,
            "dial_error_limit": DIAL_ERROR_LIMIT,
            "per_dial_timeout": DIAL_TIMEOUT,
        }
        proxy = None
        if self.proxy_address:
            proxy = remote.ProxyConnectionArgs(host=self.proxy_address, host_key=self.proxy_host_key, **common)
        return remote.ConnectionArgs(host=host, host_key=host_key, proxy=proxy, **common)


@dataclass(frozen=True)
class FleetArgs:
    """The checked platform, the ids of what the cloud already has, and the network that machines join."""

    platform: Platform
    catalog: Catalog
    network: Network


class Fleet(pulumi.ComponentResource):
    """The platform, what the cloud offers, the network that machines join, and the SSH key of all machines."""

    tags: list[str]
    key_pair: compute.Keypair
    """New machines are made with it; running ones get other keys by their steps."""
    private_key: pulumi.Output[str]
    """Of the key that Pulumi logs in with; secret, in OpenSSH form."""
    login_keys: pulumi.Output[str]
    """Who logs in, and the public keys that machines accept, one a line (agent/system/login.py)."""

    def __init__(self, name: str, args: FleetArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:machine:Fleet", name, None, opts)
        self.platform, self.catalog, self.network = args.platform, args.catalog, args.network
        platform = self.platform
        self.tags = [names.tag(platform.cluster)]
        access, child = platform.settings.access, ResourceOptions(parent=self)
        keys = {
            generation: tls.PrivateKey(names.generation("ssh", generation), algorithm="ED25519", opts=child)
            for generation in access.ssh_keys.accepted
        }
        login = access.ssh_keys.login
        self.private_key = pulumi.Output.secret(keys[login].private_key_openssh)
        public = [key.public_key_openssh for key in keys.values()]
        self.login_keys = pulumi.Output.all(access.ssh_user, *public).apply(
            lambda lines: "".join(f"{line.strip()}\n" for line in lines)
        )
        self.key_pair = compute.Keypair(
            names.generation("ssh", login),
            name=names.key_pair(platform.cluster, login),
            public_key=keys[login].public_key_openssh,
            opts=child,
        )
        self.register_outputs({})

    def access(self, proxy_address: pulumi.Input[str] = "", proxy_host_key: pulumi.Input[str] = "") -> Access:
        """The way to the machines with the key that Pulumi logs in with, directly or through a proxy."""
        return Access(self.platform.settings.access.ssh_user, self.private_key, proxy_address, proxy_host_key)
