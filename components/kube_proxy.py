"""kube-proxy asks for the API on its own node, so that it does without gateways as the kubelet does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi import CustomTimeouts, ResourceOptions
from pulumi_command import remote

from components.pki import Pki
from components.step import secret_output
from machines.gateway.kube_proxy import LIMIT_SECONDS, kube_proxy_script
from settings.platform import Platform


@dataclass(frozen=True)
class KubeProxyArgs:
    """The connection to whichever gateway holds the VIP, and the administrator. It goes with `alive_with`.

    `depends_on` are the steps of all nodes: all pods of kube-proxy have one configuration, so each node has to have an
    API of its own before it changes.
    """

    platform: Platform
    pki: Pki
    connection: remote.ConnectionArgs
    alive_with: pulumi.Resource
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)


class KubeProxy(pulumi.ComponentResource):
    """The last of an upgrade: kubeadm has then written the configuration as it is without this."""

    command: remote.Command

    def __init__(self, name: str, args: KubeProxyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:KubeProxy", name, None, opts)
        administrator = args.pki.administrator
        self.command = remote.Command(
            name,
            connection=args.connection,
            create=kube_proxy_script(args.platform),
            stdin=secret_output(pulumi.Output.concat(administrator.certificate, administrator.private_key)),
            add_previous_output_in_env=False,
            opts=ResourceOptions(
                parent=self,
                depends_on=list(args.depends_on),
                deleted_with=args.alive_with,
                custom_timeouts=CustomTimeouts(create=f"{LIMIT_SECONDS + 120}s", update=f"{LIMIT_SECONDS + 120}s"),
            ),
        )
        self.register_outputs({})
