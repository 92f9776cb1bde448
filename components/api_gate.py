"""The moment from which the API can be used: addons wait for it, not for the last control plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi import ResourceOptions
from pulumi_command import remote

from components.pki import Pki
from machines.gateway.api_gate import api_gate_bundle
from settings.platform import Platform


@dataclass(frozen=True)
class ApiGateArgs:
    """The platform, and the connection to whichever gateway holds the VIP."""

    platform: Platform
    connection: remote.ConnectionArgs
    pki: Pki
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)


class ApiGate(pulumi.ComponentResource):
    """Opens once the first API server is ready behind the VIP."""

    command: remote.Command

    def __init__(self, name: str, args: ApiGateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:ApiGate", name, None, opts)
        bundle = args.pki.cluster_ca.certificate.apply(lambda ca: api_gate_bundle(args.platform, ca))
        self.command = remote.Command(
            name,
            connection=args.connection,
            create=pulumi.Output.unsecret(bundle.apply(lambda b: b.script())),
            stdin=bundle.apply(lambda b: b.archive()),
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=self,
                depends_on=list(args.depends_on),
            ),
        )
        self.register_outputs({})
