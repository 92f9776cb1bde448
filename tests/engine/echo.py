"""A provider plugin for tests: whatever is asked for is there at once, as it was asked for. No cloud, no machine.

A stand-in for the plugins openstack, command and kubernetes, for tests of what the engine does with the program's
resources once they exist: what a change touches, what is protected, how long a preview of a large platform takes. Run
by the engine (see tests.engine.home); it prints its port and serves until the engine ends it.
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

#: The URNs in this variable are gone when they are asked for, as after a loss.
LOST = "ECHO_LOST"

#: The URNs of what is deleted are appended to the file of this name.
DELETED = "ECHO_DELETED"

#: Inputs whose change needs a new resource, as in the real plugins.
REPLACING: dict[str, frozenset[str]] = {
    "openstack:compute/instance:Instance": frozenset(
        {"networks", "userData", "keyPair", "availabilityZone", "schedulerHints", "blockDevices"}
    ),
    "openstack:networking/port:Port": frozenset({"networkId"}),
    "openstack:blockstorage/volume:Volume": frozenset({"volumeType", "availabilityZone"}),
    "openstack:compute/volumeAttach:VolumeAttach": frozenset({"instanceId", "volumeId"}),
    "openstack:networking/floatingIp:FloatingIp": frozenset({"pool"}),
    "openstack:networking/subnet:Subnet": frozenset({"cidr", "networkId"}),
    "command:remote:Command": frozenset({"triggers"}),
    "command:remote:CopyToRemote": frozenset({"triggers"}),
}

#: Marks a file on the wire (pulumi/sdk/proto: AssetSig).
FILE = "c44067f5952c0a294b673a41bacd8c17"


def _digest(urn: str) -> str:
    return hashlib.sha256(urn.encode()).hexdigest()


def _same(old: Any, new: Any) -> bool:
    """A file is the same where its digest is: each run has it in another place."""
    if all(isinstance(one, dict) and FILE in one.values() for one in (old, new)):
        return bool(old["hash"] == new["hash"])
    return bool(old == new)


def outputs(urn: str, properties: dict[str, Any], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The outputs of a resource that was asked for with `properties`; `earlier` are those that it has."""
    kind = urn.split("::")[2].split("$")[-1]
    made = dict(properties)
    if kind == "command:remote:Command":
        made |= {"stdout": "", "stderr": ""}
    if kind == "openstack:networking/floatingIp:FloatingIp":
        # A documentation range (RFC 5737).
        made["address"] = f"198.51.100.{int(_digest(urn)[:2], 16)}"
    if kind == "openstack:compute/instance:Instance":
        made["created"] = (earlier or {}).get("created") or datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
    return made


class Echo(provider_pb2_grpc.ResourceProviderServicer):
    """The calls that an update or a preview makes."""

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        # The engine started it from a folder that ends in the version it looked for.
        return plugin_pb2.PluginInfo(version=Path(sys.argv[0]).parent.name.rpartition("-v")[2])

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        return provider_pb2.ConfigureResponse(supportsPreview=False, acceptSecrets=False)

    def Check(self, request: Any, context: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        kind = request.urn.split("::")[2].split("$")[-1]
        old, new = json_format.MessageToDict(request.old_inputs), json_format.MessageToDict(request.news)
        changed = sorted(
            key for key in {*old, *new} - set(request.ignoreChanges) if not _same(old.get(key), new.get(key))
        )
        replaces = [key for key in changed if key in REPLACING.get(kind, ())]
        kinds = provider_pb2.DiffResponse.DiffChanges
        return provider_pb2.DiffResponse(
            changes=kinds.DIFF_SOME if changed else kinds.DIFF_NONE, diffs=changed, replaces=replaces
        )

    def Create(self, request: Any, context: Any) -> Any:
        properties = struct_pb2.Struct()
        properties.update(outputs(request.urn, json_format.MessageToDict(request.properties)))
        return provider_pb2.CreateResponse(id=_digest(request.urn)[:32], properties=properties)

    def Read(self, request: Any, context: Any) -> Any:
        if request.urn in os.environ.get(LOST, "").split():
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    def Update(self, request: Any, context: Any) -> Any:
        properties = struct_pb2.Struct()
        earlier = json_format.MessageToDict(request.olds)
        properties.update(outputs(request.urn, json_format.MessageToDict(request.news), earlier))
        return provider_pb2.UpdateResponse(properties=properties)

    def Delete(self, request: Any, context: Any) -> Any:
        if os.environ.get(DELETED):
            with Path(os.environ[DELETED]).open("a", encoding="utf-8") as file:
                file.write(f"{request.urn}\n")
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()


def serve() -> None:
    """Serve on a free port of the loopback, named on standard output as the engine expects it."""
    server = grpc.server(
        ThreadPoolExecutor(max_workers=8), options=[("grpc.max_receive_message_length", 400 * 1024 * 1024)]
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    server.wait_for_termination()


if __name__ == "__main__":
    serve()
