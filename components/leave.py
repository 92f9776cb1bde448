"""How nodes leave: a Command a machine that does nothing until the machine is taken out of the stack file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi import CustomTimeouts, ResourceOptions
from pulumi_command import remote

from components import specs
from components.machine import Machine
from components.pki import Pki
from components.step import secret_output
from node.leave import leave, leave_script
from node.parts import KeyPair
from node.specs import LeaveSpec
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
        """The Command, a child of the machine, which is deleted before the machine is.

        It has no trigger: a machine made anew bears the same name, and its node must not be removed for the old one.
        """
        rollout = self.platform.settings.rollout
        bundle = pulumi.Output.all(
            self.pki.cluster_ca.certificate, self.pki.administrator.certificate, self.pki.administrator.private_key
        ).apply(
            lambda pem: leave(
                LeaveSpec(
                    node=machine.planned.hostname,
                    endpoint=specs.api_endpoint(self.platform),
                    ca_certificate=pem[0],
                    administrator=KeyPair(pem[1], pem[2]),
                    drain_seconds=rollout.drain_seconds,
                    bare_pods=rollout.bare_pods,
                )
            )
        )
        return remote.Command(
            f"{machine.planned.name}-leave",
            connection=self.connection,
            # As in a step, it has only digests of files without secrets.
            delete=pulumi.Output.unsecret(bundle.apply(leave_script)),
            stdin=secret_output(bundle.apply(lambda b: b.archive())),
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=machine,
                depends_on=[machine.instance, *self.depends_on],
                deleted_with=self.alive_with,
                # Longer than the step's own limit.
                custom_timeouts=CustomTimeouts(delete="3h"),
            ),
        )
