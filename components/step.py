"""One step on a machine: its bundle goes in on stdin, `converge` runs, Pulumi shows its progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pulumi
from pulumi_command import remote

from components.machine import Machine
from machines.common.bundle import Bundle, File

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
        """Connection to `host`, whose key is verified, through the proxy where there is one."""
        proxy = None
        if self.proxy_address:
            proxy = remote.ProxyConnectionArgs(
                host=self.proxy_address,
                user=self.user,
                private_key=self.private_key,
                host_key=self.proxy_host_key,
                dial_error_limit=DIAL_ERROR_LIMIT,
                per_dial_timeout=DIAL_TIMEOUT,
            )
        return remote.ConnectionArgs(
            host=host,
            user=self.user,
            private_key=self.private_key,
            host_key=host_key,
            dial_error_limit=DIAL_ERROR_LIMIT,
            per_dial_timeout=DIAL_TIMEOUT,
            proxy=proxy,
        )


@dataclass(frozen=True)
class StepArgs:
    """The machine, how to reach it, and its bundle: `inputs` by name are resolved and handed to `render`."""

    machine: Machine
    connection: remote.ConnectionArgs
    inputs: dict[str, pulumi.Input[str]]
    render: Callable[[dict[str, str]], Bundle]
    depends_on: Sequence[pulumi.Resource] = field(default_factory=tuple)


def secret_output(output: pulumi.Output[str]) -> pulumi.Output[str]:
    """`output`, marked secret. (pulumi.Output.secret takes an Output too, but its type says plain values only.)"""
    return pulumi.Output.all(output, pulumi.Output.secret("")).apply(lambda values: str(values[0]))


def step(name: str, args: StepArgs) -> remote.Command:
    """The Command of a machine's step, one of the machine's resources.

    No custom timeout: the plugin ignores them, so the limit is on the machine (machines/common/bundle.py).

    A changed bundle is an update: it runs `converge` again. A replaced machine replaces the step, and nothing
    else does: the instance's id is the only trigger. Secrets travel on stdin alone.
    """

    def render(inputs: dict[str, str]) -> Bundle:
        keys = File("files/login-keys", inputs.pop("login_keys"))
        bundle = args.render(inputs)
        return replace(bundle, files=(*bundle.files, keys))

    bundle = pulumi.Output.all(**args.inputs, login_keys=args.machine.login_keys).apply(render)
    return remote.Command(
        name,
        connection=args.connection,
        # The script has only digests of files without secrets; what it was computed from is secret all the same.
        create=pulumi.Output.unsecret(bundle.apply(lambda b: b.script())),
        stdin=secret_output(bundle.apply(lambda b: b.archive())),
        triggers=[args.machine.instance.id],
        add_previous_output_in_env=False,
        opts=args.machine.options(
            depends_on=list(args.depends_on),
            deleted_with=args.machine.instance,
        ),
    )
