"""What all machines are made with: the network, the catalog, the SSH key, and server groups that spread them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls
from pulumi import ResourceOptions
from pulumi_openstack import compute

from components.machine import Change, Machine, MachineArgs
from components.network import Network
from components.server_groups import ServerGroups
from preflight.catalog import Catalog
from settings import names
from settings.machines import EtcdSettings, MachineSettings, WorkerPoolSettings
from settings.plan import PlannedMachine
from settings.platform import Platform


@dataclass(frozen=True)
class FleetArgs:
    """The platform, what the cloud offers, and the network that machines join."""

    platform: Platform
    catalog: Catalog
    network: Network


def login_keys(user: str, keys: Sequence[str]) -> str:
    """What machine.sh reads: the user in the first line, then the keys."""
    return "".join(f"{line.strip()}\n" for line in (user, *keys))


class Fleet(pulumi.ComponentResource):
    """The SSH key of all machines, and how a machine of this platform is made."""

    network: Network
    tags: list[str]
    private_key: pulumi.Output[str]
    """Of the key that Pulumi logs in with; secret, in OpenSSH form."""
    login_keys: pulumi.Output[str]
    """Who logs in, and the public keys that machines accept, one a line."""

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:machine:Fleet", name, None, opts)
        self.network, self._platform, self._catalog = args.network, args.platform, args.catalog
        cluster = args.platform.cluster
        self.tags = [names.tag(cluster)]
        access, child = args.platform.settings.access, ResourceOptions(parent=self)
        keys = {
            generation: tls.PrivateKey(names.generation("ssh", generation), algorithm="ED25519", opts=child)
            for generation in access.ssh_keys.accepted
        }
        login = access.ssh_keys.login
        self.private_key = pulumi.Output.secret(keys[login].private_key_openssh)
        public = [key.public_key_openssh for key in keys.values()]
        self.login_keys = pulumi.Output.all(*public).apply(lambda texts: login_keys(access.ssh_user, texts))
        # New machines are made with it; those that are there get other keys by their steps.
        self._key_pair = compute.Keypair(
            names.generation("ssh", login),
            name=names.key_pair(cluster, login),
            public_key=keys[login].public_key_openssh,
            opts=child,
        )
        self.register_outputs({})

    def server_groups(
        self, role: str, settings: MachineSettings, machines: Iterable[PlannedMachine], parent: pulumi.Resource
    ) -> ServerGroups:
        """The groups whose machines are spread over hosts, as far as the cloud has hosts or without exception."""
        return ServerGroups(role, settings, self._platform, machines, parent)

    def machine(
        self,
        planned: PlannedMachine,
        settings: MachineSettings,
        groups: ServerGroups,
        parent: pulumi.Resource,
        host_key: tls.PrivateKey | None = None,
        after: Iterable[Machine] = (),
        first: Iterable[pulumi.Resource] = (),
    ) -> Machine:
        """One machine of a role.

        Nova's anti-affinity sees only machines that have a host already: two made at the same moment may share one.
        So machines of a small role are made one `after` another, while the roles go side by side. What is in `first` is
        over before the instance is touched.
        """
        protection = self._platform.settings.protection
        volume = settings.volume if isinstance(settings, EtcdSettings | WorkerPoolSettings) else None
        return Machine(
            planned.name,
            MachineArgs(
                planned=planned,
                platform=self._platform,
                network=self.network,
                # A name stands for its id in a preview whose cloud could not be asked.
                image_id=self._catalog.images.get(settings.image, settings.image),
                flavor_id=self._catalog.flavors.get(settings.flavor, settings.flavor),
                key_pair=self._key_pair.name,
                login_keys=self.login_keys,
                server_group=groups.of(planned).id,
                server_group_name=groups.name_of(planned),
                change=self._change(planned),
                host_key=host_key,
                volume=volume,
                # A worker without a volume is protected by nothing: its database is kept by replicas, and pools shrink.
                protected=protection.etcd if planned.role == "etcd" else volume is not None and protection.database,
                depends_on=[*(machine.instance for machine in after), *first],
            ),
            parent,
        )

    def _change(self, planned: PlannedMachine) -> Change:
        """What may happen to it: a machine that runs stays as it is unless it was named."""
        if planned.hostname not in self._platform.working:
            return "new"
        replaced = self._platform.replacing.get(planned.hostname)
        return "kept" if replaced is None else "replaced" if replaced else "resized"
