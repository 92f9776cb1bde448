"""What all machines are made with: the network, the catalog and the SSH key."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_openstack import compute

from components.network import Network
from preflight.catalog import Catalog
from settings import names
from settings.platform import Platform


def login_keys(user: str, keys: Sequence[str]) -> str:
    """What machine.sh reads: the user in the first line, then the keys."""
    return "".join(f"{line.strip()}\n" for line in (user, *keys))


class Fleet(pulumi.ComponentResource):
    """The platform, what the cloud offers, the network that machines join, and the SSH key of all machines."""

    tags: list[str]
    key_pair: compute.Keypair
    """New machines are made with it; running ones get other keys by their steps."""
    private_key: pulumi.Output[str]
    """Of the key that Pulumi logs in with; secret, in OpenSSH form."""
    login_keys: pulumi.Output[str]
    """Who logs in, and the public keys that machines accept, one a line."""

    def __init__(
        self, name: str, platform: Platform, catalog: Catalog, network: Network, opts: ResourceOptions
    ) -> None:
        super().__init__("openstack-paas:machine:Fleet", name, None, opts)
        self.platform, self.catalog, self.network = platform, catalog, network
        self.tags = [names.tag(platform.cluster)]
        access, child = platform.settings.access, ResourceOptions(parent=self)
        keys = {
            generation: tls.PrivateKey(names.generation("ssh", generation), algorithm="ED25519", opts=child)
            for generation in access.ssh_keys.accepted
        }
        login = access.ssh_keys.login
        self.private_key = pulumi.Output.secret(keys[login].private_key_openssh)
        public = [key.public_key_openssh for key in keys.values()]
        self.login_keys = pulumi.Output.all(*public).apply(lambda texts: login_keys(access.ssh_user, texts))
        self.key_pair = compute.Keypair(
            names.generation("ssh", login),
            name=names.key_pair(platform.cluster, login),
            public_key=keys[login].public_key_openssh,
            opts=child,
        )
        self.register_outputs({})
