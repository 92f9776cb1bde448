"""Which version an official program is: it is asked itself, as the engine would ask it."""

import os
import re
import select
import subprocess
import time
from pathlib import Path

from dev.toolchain.programs import Program

#: Seconds that a program may take to start and to answer.
LIMIT = 30

#: What is printed of a program that does not say its version.
UNKNOWN = "unknown"

#: The engine's protocol by kind of program.
SERVICES = {"plugin": "ResourceProvider", "language": "LanguageRuntime"}

#: Where no engine is: a program dials it lazily, to log, which this question does not make it do.
NO_ENGINE = "127.0.0.1:1"


def engine_version(executable: Path) -> tuple[int, ...] | None:
    """What `pulumi version` says, as numbers; None where it says nothing that looks like a version."""
    try:
        answer = subprocess.run([executable, "version"], capture_output=True, text=True, timeout=LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    return tuple(int(number) for number in found.groups()) if found else None


def asked_version(program: Program, executable: Path) -> str:
    """The version that an official program gives for itself, or UNKNOWN."""
    if program.kind == "engine":
        numbers = engine_version(executable)
        return ".".join(map(str, numbers)) if numbers else UNKNOWN
    try:
        process = subprocess.Popen(
            [executable, NO_ENGINE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return UNKNOWN
    try:
        port = _first_line(process)
        return (_ask(SERVICES[program.kind], port) if port.isdigit() else "") or UNKNOWN
    finally:
        process.kill()
        process.communicate()


def _first_line(process: "subprocess.Popen[bytes]") -> str:
    """The port that a program prints when it listens; less than a line when it ends or takes too long."""
    assert process.stdout is not None
    end = time.monotonic() + LIMIT
    text = b""
    while not text.endswith(b"\n") and select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            break
        text += byte
    return text.decode(errors="replace").strip()


def _ask(service: str, port: str) -> str:
    """The version by the call GetPluginInfo. The SDK that speaks it is in the virtual environment only."""
    try:
        import grpc
        from google.protobuf.empty_pb2 import Empty
        from pulumi.runtime.proto.plugin_pb2 import PluginInfo
    except ImportError:
        return ""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary(
            f"/pulumirpc.{service}/GetPluginInfo",
            request_serializer=Empty.SerializeToString,
            response_deserializer=PluginInfo.FromString,
        )
        try:
            return str(call(Empty(), timeout=LIMIT).version).removeprefix("v")
        except grpc.RpcError:
            return ""
