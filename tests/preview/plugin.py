"""Starts a provider plugin and calls it directly, without the engine."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

#: An address without an engine. A plugin connects to it only to write logs, which nothing here causes.
NO_ENGINE = "127.0.0.1:1"

#: Schemas are larger than gRPC's default limit of 4 MiB.
LARGEST_MESSAGE = 256 * 1024 * 1024


class Plugin:
    """A running plugin."""

    def __init__(self, name: str, channel: grpc.Channel) -> None:
        self.name = name
        self.provider = provider_pb2_grpc.ResourceProviderStub(channel)
        answer = self.provider.GetSchema(provider_pb2.GetSchemaRequest(version=0))
        self.schema: dict[str, Any] = json.loads(answer.schema)

    def refuses(self, token: str, name: str) -> bool:
        """Whether checking a resource with this one input (a text) fails with a message that names the input.

        `token` is the resource's, or pulumi:providers:NAME for the provider's own options.
        """
        inputs = struct_pb2.Struct()
        inputs[name] = "probe"
        urn = f"urn:pulumi:stack::project::{token}::probe"
        request = provider_pb2.CheckRequest(urn=urn, news=inputs, olds=struct_pb2.Struct())
        check = self.provider.CheckConfig if token.startswith("pulumi:providers:") else self.provider.Check
        try:
            failures = check(request).failures
        except grpc.RpcError as problem:
            return name in str(problem)
        return any(name in (failure.property.split(".")[0], *failure.reason.split()) for failure in failures)


@contextmanager
def running(name: str, executable: Path) -> Iterator[Plugin]:
    """Start a plugin and stop it after the block."""
    process = subprocess.Popen([executable, NO_ENGINE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), f"{executable} did not start"
        options = [("grpc.max_receive_message_length", LARGEST_MESSAGE)]
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            yield Plugin(name, channel)
    finally:
        process.kill()
        process.wait()
