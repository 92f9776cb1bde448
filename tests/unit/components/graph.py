"""Runs the program's Platform against Pulumi's mocks and keeps what was registered."""

import asyncio
import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime import settings as runtime_settings
from pulumi.runtime.stack import wait_for_rpcs

from preflight.cloud import Catalog
from settings.load import parse
from settings.platform_settings import PlatformSettings
from settings.running import Running
from settings.stack_file import BACKUP_SECRETS, ENCRYPTED
from tests.unit import fake_joining as fake_joining

LAB = {
    "preset": "production",
    "network": {"private": "10.20.0.0/24"},
    "workers": {"general": {"count": 2, "labels": {"disk-type": "ssd"}}},
    "kubernetes": {"cni": "flannel"},
    "database": {"replicas": 1},
}


#: Floating IPs by the name of their resource.
ADDRESSES = {"api": "203.0.113.7", "api-load-balancer": "203.0.113.8", "gateway-0": "203.0.113.10"}

#: Marks a secret on the wire (pulumi/sdk/proto: resource.SecretSig).
SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"


@dataclass
class Registered:
    """One resource as the engine would have seen it."""

    type: str
    name: str
    inputs: dict[str, Any]
    custom: bool
    dependencies: set[str] = field(default_factory=set)
    """Names of the resources, as type-name pairs joined by a slash, that it waits for."""
    deleted_with: str = ""
    aliases: tuple[str, ...] = ()
    """Former names."""
    secret_inputs: set[str] = field(default_factory=set)
    ignore_changes: tuple[str, ...] = ()
    protect: bool = False
    delete_before_replace: bool = False


def _revealed(value: Any) -> Any:
    """`value` with every secret's envelope taken off."""
    if isinstance(value, dict):
        if SECRET_SIGNATURE in value.values():
            return _revealed(value["value"])
        return {key: _revealed(item) for key, item in value.items()}
    if isinstance(value, pulumi.FileAsset):
        return f"file {Path(value.path).name}"
    return [_revealed(item) for item in value] if isinstance(value, list) else value


def _short(urn: str) -> str:
    """`type/name` of a URN, without the chain of parents."""
    _, _, chain, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    return f"{chain.split('$')[-1].split(':')[-1]}/{name}"


class Monitor(mocks.MockMonitor):
    """A mock monitor that also keeps what mocks do not see: dependencies and which inputs are secret."""

    def RegisterResource(self, request: Any) -> Any:
        """Register, then complete the record."""
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            record = self.mocks.record(request.type, request.name)
            record.dependencies = {_short(urn) for urn in request.dependencies}
            record.deleted_with = _short(request.deletedWith) if request.deletedWith else ""
            record.aliases = tuple(alias.spec.name for alias in request.aliases if alias.spec.name)
            record.ignore_changes = tuple(request.ignoreChanges)
            record.protect = request.protect
            record.delete_before_replace = request.deleteBeforeReplace
            record.secret_inputs = {
                key for key, value in request.object.items() if SECRET_SIGNATURE in str(value)
            } | set(request.additionalSecretOutputs)
        return response


@dataclass
class Graph(mocks.Mocks):
    """Collects resources; answers with the inputs and a few outputs that others need."""

    resources: list[Registered] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Record the resource and make up its outputs."""
        self.resources.append(Registered(args.typ, args.name, _revealed(args.inputs), bool(args.custom)))
        outputs = dict(args.inputs)
        if args.typ == "tls:index/privateKey:PrivateKey":
            outputs |= {
                "privateKeyPem": f"PRIVATE {args.name}",
                "privateKeyOpenssh": f"PRIVATE {args.name}",
                "publicKeyPem": f"public {args.name}",
                "publicKeyOpenssh": f"ssh-ed25519 {args.name}",
                "publicKeyFingerprintSha256": f"SHA256:{args.name}",
            }
        if args.typ.startswith("tls:index/") and args.typ.endswith("Cert"):
            outputs["certPem"] = f"certificate {args.name}"
        if args.typ == "tls:index/certRequest:CertRequest":
            outputs["certRequestPem"] = f"request {args.name}"
        if args.typ == "openstack:compute/instance:Instance":
            outputs["flavorName"] = args.inputs["flavorId"].removesuffix("-id")
        if args.typ == "openstack:networking/floatingIp:FloatingIp":
            outputs["address"] = ADDRESSES.get(args.name, "203.0.113.99")
        if args.typ.startswith("kubernetes:core/v1:"):
            # As the API server gives it: with lists, and with a version that is another after each change.
            owner = {"manager": "pulumi-kubernetes", "operation": "Update", "fieldsV1": {"f:data": {}}}
            version = str(len(self.resources))
            outputs["metadata"] = {**args.inputs["metadata"], "resourceVersion": version, "managedFields": [owner]}
        if args.typ == "openstack:loadbalancer/loadBalancer:LoadBalancer":
            outputs["vipPortId"] = f"{args.name}-vip-port-id"
        return f"{args.name}-id", outputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        """Answer a look-up with an id."""
        self.calls.append(args.token)
        return {"id": f"{args.args.get('name')}-id", **args.args}, []

    def record(self, token: str, name: str) -> Registered:
        """The one resource of that type and name."""
        return next(r for r in reversed(self.resources) if (r.type, r.name) == (token, name))

    def of_type(self, token: str) -> dict[str, Registered]:
        """Resources of one type by name."""
        return {resource.name: resource for resource in self.resources if resource.type == token}

    def commands(self) -> dict[str, Registered]:
        """The steps on machines by name."""
        return self.of_type("command:remote:Command")


def offer(settings: PlatformSettings) -> Catalog:
    """Ids of whatever the settings name, as the preflight would have found them."""
    machines = (settings.gateways, settings.etcd, settings.control_planes, *settings.workers.values())
    return Catalog(
        external_network_id=f"{settings.network.external}-id",
        external_subnet_id=f"{settings.network.external}-subnet-id",
        flavors={machine.flavor: f"{machine.flavor}-id" for machine in machines},
        images={machine.image: f"{machine.image}-id" for machine in machines},
    )


def run(
    values: Mapping[str, Any],
    stack: str = "lab",
    running: Running | None = None,
    numbered: Mapping[str, str] | None = None,
) -> tuple[Graph, dict[str, Any]]:
    """The graph and the outputs of a stack with these settings, which runs `running` and has rules `numbered`."""
    from components.platform import Platform, PlatformArgs

    graph = Graph()
    asyncio.set_event_loop(asyncio.new_event_loop())
    runtime_settings.reset_options()
    mocks.set_mocks(graph, project="openstack-paas", stack=stack, preview=False, monitor=Monitor(graph))
    outputs: dict[str, Any] = {}

    async def program() -> None:
        secrets = {name: pulumi.Output.secret(values[name]) for name in BACKUP_SECRETS if name in values}
        platform = parse({**values, **dict.fromkeys(secrets, ENCRYPTED)}, stack, running, numbered)
        made = Platform(platform.cluster, PlatformArgs(platform, offer(platform.settings), secrets)).outputs
        await wait_for_rpcs()
        for key, value in made.items():
            outputs[key] = await pulumi.Output.from_input(value).future()

    asyncio.get_event_loop().run_until_complete(program())
    return graph, outputs


def state(graph: Graph, step: str) -> dict[str, Any]:
    """The desired state that a step brings."""
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(graph.commands()[step].inputs["stdin"])))
    return found
