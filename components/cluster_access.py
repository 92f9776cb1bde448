"""What acts on the cluster from whichever gateway holds the VIP: the gate for addons, kube-proxy, and leaving nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
from pulumi import CustomTimeouts, Resource, ResourceOptions
from pulumi_command import remote

from components.machine import Machine
from components.pki import Pki
from machines.gateway.commands import KUBE_PROXY_SECONDS, api_gate_bundle, kube_proxy_script, leave_script
from settings.plan import PlannedMachine
from settings.platform import Platform


@dataclass(frozen=True)
class ClusterAccess:
    """The connection to whichever gateway holds the VIP, and what the removal of a node needs there.

    With `alive_with` the whole platform goes, so `pulumi destroy` asks no cluster, which may be dead. What is in
    `gateways` is deleted after nodes have left: the gateways' own steps.
    """

    platform: Platform
    pki: Pki
    connection: remote.ConnectionArgs
    alive_with: Resource
    gateways: Sequence[Resource]

    def command(self, name: str, opts: ResourceOptions, **scripts: Any) -> remote.Command:
        """A Command that acts as the administrator, whose certificate and key it gets on standard input."""
        administrator = self.pki.administrator
        identity = pulumi.Output.concat(administrator.certificate, administrator.private_key)
        secret: pulumi.Output[str] = pulumi.Output.secret(identity)
        return remote.Command(
            name,
            connection=self.connection,
            stdin=secret,
            add_previous_output_in_env=False,
            opts=opts,
            **scripts,
        )

    def leave(self, machine: Machine) -> remote.Command:
        """Lets the machine's node leave: does nothing until the machine is taken out of the stack file.

        The Command is deleted before the machine is. It has no trigger: a replaced machine has the same name, and its
        node must not be removed for the old one.
        """
        return self.command(
            # Not the other way round: a machine of a pool may be called `leave`.
            f"leave-{machine.planned.name}",
            machine.options(
                # Removed under that name, it would let every node leave.
                f"{machine.planned.name}-leave",
                depends_on=[machine.instance, *self.gateways],
                deleted_with=self.alive_with,
            ),
            delete=leave_script(self.platform, machine.planned.hostname),
        )

    def leave_before_replacement(
        self, planned: PlannedMachine, parent: Resource, *, keeps_volume: bool = False
    ) -> list[Resource]:
        """What a machine waits for that is replaced in this run: its node leaves first, or holds the machine.

        It runs once for each instance, and exists only while the machine is one of `rollout.replace`.
        """
        platform, rollout = self.platform, self.platform.settings.rollout
        if not platform.replacing.get(planned.hostname):
            return []
        data: Literal["", "kept", "lose"] = (
            "kept" if keeps_volume else "lose" if planned.hostname in rollout.lose_volumes else ""
        )
        return [
            self.command(
                f"drain-{planned.name}",
                ResourceOptions(parent=parent, depends_on=list(self.gateways), deleted_with=self.alive_with),
                create=leave_script(platform, planned.hostname, data),
                triggers=[platform.running.instances[planned.hostname]],
            )
        ]


@dataclass(frozen=True)
class ClusterCommandArgs:
    """The cluster that a Command acts on, and the resources that it waits for."""

    cluster: ClusterAccess
    depends_on: Sequence[Resource]


class ApiGate(pulumi.ComponentResource):
    """Opens once the first API server is ready behind the VIP: addons wait for it, not for the last control plane."""

    command: remote.Command

    def __init__(self, name: str, args: ClusterCommandArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:ApiGate", name, None, opts)
        access = args.cluster
        bundle = access.pki.cluster_ca.certificate.apply(lambda ca: api_gate_bundle(access.platform, ca))
        self.command = remote.Command(
            name,
            connection=access.connection,
            create=pulumi.Output.unsecret(bundle.apply(lambda b: b.script())),
            stdin=bundle.apply(lambda b: b.archive()),
            add_previous_output_in_env=False,
            opts=ResourceOptions(parent=self, depends_on=list(args.depends_on)),
        )
        self.register_outputs({})


class KubeProxy(pulumi.ComponentResource):
    """kube-proxy asks for the API on its own node, so that it does without gateways as the kubelet does.

    The last step of an upgrade: kubeadm has then written the configuration as it is without this. `depends_on` are the
    steps of all nodes: all pods of kube-proxy have one configuration, so each node needs an API of its own first.
    """

    def __init__(self, name: str, args: ClusterCommandArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:KubeProxy", name, None, opts)
        limit = f"{KUBE_PROXY_SECONDS + 120}s"
        options = ResourceOptions(
            parent=self,
            depends_on=list(args.depends_on),
            deleted_with=args.cluster.alive_with,
            custom_timeouts=CustomTimeouts(create=limit, update=limit),
        )
        args.cluster.command(name, options, create=kube_proxy_script(args.cluster.platform))
        self.register_outputs({})
