"""How nodes leave: a Command a machine that does nothing until the machine is taken out of the stack file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import pulumi
from pulumi import Resource
from pulumi_command import remote

from components.machine import Machine
from components.pki import Pki
from components.step import secret_output
from machines.gateway.leave import leave_script
from settings.plan import PlannedMachine
from settings.platform import Platform


@dataclass(frozen=True)
class Leaving:
    """The connection to whichever gateway holds the VIP, and what the removal of a node needs there.

    With `alive_with` the whole platform goes, so `pulumi destroy` asks no cluster, which may be dead. What is in
    `depends_on` is deleted after nodes have left: the gateways' own machines.
    """

    platform: Platform
    pki: Pki
    connection: remote.ConnectionArgs
    alive_with: pulumi.Resource
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)

    def of(self, machine: Machine) -> remote.Command:
        """The Command, which is deleted before the machine is.

        It has no trigger: a replaced machine has the same name, and its node must not be removed for the old one.
        """
        administrator = self.pki.administrator
        return remote.Command(
            # Not the other way round: a machine of a pool may be called `leave`.
            f"leave-{machine.planned.name}",
            connection=self.connection,
            delete=leave_script(self.platform, machine.planned.hostname),
            stdin=secret_output(pulumi.Output.concat(administrator.certificate, administrator.private_key)),
            add_previous_output_in_env=False,
            opts=machine.options(
                # Removed under that name, it would let every node leave.
                f"{machine.planned.name}-leave",
                depends_on=[machine.instance, *self.depends_on],
                deleted_with=self.alive_with,
            ),
        )

    def before_replacement(
        self, planned: PlannedMachine, keeps_volume: bool, parent: pulumi.Resource
    ) -> list[Resource]:
        """What a machine waits for that is replaced in this run: its node leaves first, or holds the machine.

        It runs once for each instance, and is there only while the machine is one of `rollout.replace`.
        """
        platform, rollout = self.platform, self.platform.settings.rollout
        if not platform.replacing.get(planned.hostname):
            return []
        data: Literal["", "kept", "lose"] = (
            "kept" if keeps_volume else "lose" if planned.hostname in rollout.lose_volumes else ""
        )
        administrator = self.pki.administrator
        return [
            remote.Command(
                f"drain-{planned.name}",
                connection=self.connection,
                create=leave_script(platform, planned.hostname, data),
                stdin=secret_output(pulumi.Output.concat(administrator.certificate, administrator.private_key)),
                triggers=[platform.running.instances[planned.hostname]],
                add_previous_output_in_env=False,
                opts=pulumi.ResourceOptions(
                    parent=parent,
                    depends_on=list(self.depends_on),
                    deleted_with=self.alive_with,
                ),
            )
        ]
