"""What acts on the whole cluster: the gate for addons on a gateway; on a control plane kube-proxy, labels and taints of
nodes, and nodes that leave.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
from pulumi import CustomTimeouts, Resource, ResourceOptions
from pulumi_command import remote

from components.fleet import Access
from components.machine import Machine
from components.pki import Pki
from machines.common.agent_command import AgentCommand
from machines.gateway.command import api_gate_command
from machines.kubernetes.cluster_commands import kube_proxy_command, leave_command, nodes_command
from settings.plan import PlannedMachine
from settings.platform import Platform


class ClusterAccess:
    """The ways to the cluster: `connection` leads to whichever gateway holds the VIP, `access` to machines behind it.

    What acts as the cluster's administrator runs on a control plane, which is one anyway: no key travels. With
    `alive_with` the whole platform goes, so `pulumi destroy` asks no cluster, which may be dead. What is in `gateways`,
    their steps, is deleted after nodes have left.
    """

    def __init__(
        self,
        platform: Platform,
        pki: Pki,
        connection: remote.ConnectionArgs,
        access: Access,
        alive_with: Resource,
        gateways: Sequence[Resource],
    ) -> None:
        self.platform, self.pki, self.connection = platform, pki, connection
        self.alive_with, self.gateways = alive_with, list(gateways)
        self._access = access
        # A command that a control plane waits for runs on one that is registered later.
        self._host_keys: dict[str, pulumi.Output[str]] = {}
        self._resolve: dict[str, Callable[[pulumi.Output[str]], None]] = {}
        for planned in platform.plan.control_planes:
            key: tuple[pulumi.Output[str], Callable[[pulumi.Output[str]], None]] = pulumi.deferred_output()
            self._host_keys[planned.name], self._resolve[planned.name] = key
        self._steps: dict[str, Resource] = {}

    def add_control_plane(self, machine: Machine, step: Resource) -> None:
        """Commands may run on this one, after its step. The component of control planes calls it for each."""
        self._resolve[machine.planned.name](machine.host_key.public_key_openssh)
        self._steps[machine.planned.name] = step

    def command(
        self,
        name: str,
        command: AgentCommand,
        opts: ResourceOptions,
        node: PlannedMachine | None = None,
        *,
        at_end: bool = False,
        triggers: list[pulumi.Input[str]] | None = None,
    ) -> remote.Command:
        """A Command of the agent on a control plane, on another one than `node`; `at_end`: when it is deleted.

        That is the first one, which is the last to go when there are fewer. It waits for the step of that control plane
        if that is registered already, so no circle can come of it. The first one's own node is for the second, without
        such a wait: the second is made, and changed, after the first.
        """
        planes = self.platform.plan.control_planes
        host = planes[1] if len(planes) > 1 and planes[0] == node else planes[0]
        waits = [self._steps[host.name]] if host.name in self._steps else []
        script = {"delete" if at_end else "create": command.script()}
        return remote.Command(
            name,
            connection=self._access.connection(host.address, self._host_keys[host.name]),
            stdin=command.standard_input(),
            triggers=triggers,
            add_previous_output_in_env=False,
            opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[*self.gateways, *waits])),
            **script,
        )

    def leave(self, machine: Machine) -> remote.Command:
        """Lets the machine's node leave: does nothing until the machine is taken out of the stack file.

        The Command is deleted before the machine is, and before the control plane and the gateways that it needs. It
        has no trigger: a replaced machine has the same name, and its node must not be removed for the old one.
        """
        planned, command = machine.planned, leave_command(self.platform, machine.planned.hostname)
        # Removed under that name, it would let every node leave.
        former = f"{planned.name}-leave"
        options = machine.options(former, depends_on=[machine.instance], deleted_with=self.alive_with)
        # Not the other way round: a machine of a pool may be called `leave`.
        return self.command(f"leave-{planned.name}", command, options, planned, at_end=True)

    def leave_before_replacement(
        self, planned: PlannedMachine, parent: Resource, *, keeps_volume: bool = False
    ) -> list[Resource]:
        """What a machine waits for that is replaced in this run: its node leaves first, or holds the machine.

        It runs once for each instance, and exists only while the machine is one of `rollout.replace`.
        """
        platform, rollout = self.platform, self.platform.settings.rollout
        if not platform.replacing.get(planned.hostname):
            return []
        lost: Literal["", "lose"] = "lose" if planned.hostname in rollout.lose_volumes else ""
        command = leave_command(platform, planned.hostname, "kept" if keeps_volume else lost)
        options = ResourceOptions(parent=parent, deleted_with=self.alive_with)
        instance = platform.running.instances[planned.hostname]
        return [self.command(f"drain-{planned.name}", command, options, planned, triggers=[instance])]


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
        command = access.pki.cluster_ca.certificate.apply(lambda ca: api_gate_command(access.platform, ca))
        self.command = remote.Command(
            name,
            connection=access.connection,
            create=pulumi.Output.unsecret(command.apply(lambda c: c.script())),
            stdin=command.apply(lambda c: c.standard_input()),
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
        _run_last(self, name, args, kube_proxy_command(args.cluster.platform))
        self.register_outputs({})


class LabelsAndTaints(pulumi.ComponentResource):
    """Labels and taints of nodes that have joined, which may not change all of them themselves.

    `depends_on` are the steps of all nodes: each has then recorded what it was given before.
    """

    def __init__(self, name: str, args: ClusterCommandArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:LabelsAndTaints", name, None, opts)
        _run_last(self, name, args, nodes_command(args.cluster.platform))
        self.register_outputs({})


def _run_last(parent: Resource, name: str, args: ClusterCommandArgs, command: AgentCommand) -> None:
    """Once the steps of all nodes are over."""
    limit = f"{command.limit_seconds + 120}s"
    options = ResourceOptions(
        parent=parent,
        depends_on=list(args.depends_on),
        deleted_with=args.cluster.alive_with,
        custom_timeouts=CustomTimeouts(create=limit, update=limit),
    )
    args.cluster.command(name, command, options)
