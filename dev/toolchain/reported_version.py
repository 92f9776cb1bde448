"""Asks an official program for its version, the way the engine would."""

import re
import subprocess
from pathlib import Path
from subprocess import DEVNULL, PIPE
from threading import Timer

from dev.toolchain.programs import Program

#: Seconds that a program may take to start, and again to answer.
LIMIT = 30

#: Printed for a program that does not report its version.
UNKNOWN = "unknown"

#: The engine's protocol by kind of program.
SERVICES = {"plugin": "ResourceProvider", "language": "LanguageRuntime"}

#: An address without an engine. A program connects to it only to write logs, which this question does not cause.
NO_ENGINE = "127.0.0.1:1"


def engine_version(executable: Path) -> tuple[int, ...] | None:
    """The output of `pulumi version` as numbers, or None when it is not a version."""
    try:
        answer = subprocess.run([executable, "version"], capture_output=True, text=True, timeout=LIMIT)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", answer.stdout.strip())
    return tuple(int(number) for number in found.groups()) if found else None


def reported_version(program: Program, executable: Path) -> str:
    """The version that an official program reports, or UNKNOWN."""
    if program.kind == "engine":
        numbers = engine_version(executable)
        return ".".join(map(str, numbers)) if numbers else UNKNOWN
    try:
        process = subprocess.Popen([executable, NO_ENGINE], stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    except OSError:
        return UNKNOWN
    assert process.stdout is not None
    too_late = Timer(LIMIT, process.kill)
    too_late.start()
    try:
        port = process.stdout.readline().decode(errors="replace").strip()  # printed when the program is ready
        too_late.cancel()
        return (_ask(SERVICES[program.kind], port) if port.isdigit() else "") or UNKNOWN
    finally:
        too_late.cancel()
        process.kill()
        process.communicate()


def _ask(service: str, port: str) -> str:
    """The version from the call GetPluginInfo, or "". The SDK for this call is only in the virtual environment."""
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
