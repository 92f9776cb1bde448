"""SSH of ops against real SSH servers: by way of the VIP, and never to a machine with another host key."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import paramiko
import pytest

from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import Ssh, SshError, private_key
from tests.unit.ops.ssh_server import SshServer, public_line

KEY = paramiko.ECDSAKey.generate()


def answer(command: str, script: str) -> tuple[str, int]:
    return ("no such command", 127) if command == "wrong" else (f"{command}:{script}", 0)


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Outputs]:
    """A gateway with its VIP and a machine behind it, each a server of its own."""
    behind = SshServer(KEY, answer)
    gateway = SshServer(KEY, answer, {"10.0.0.40": behind.port})
    ports = {"203.0.113.9": gateway.port, "203.0.113.10": gateway.port}
    connect = paramiko.SSHClient.connect

    def redirected(client: paramiko.SSHClient, hostname: str, **more: Any) -> None:
        if more.get("sock") is None:
            import socket

            more["sock"] = socket.create_connection(("127.0.0.1", ports[hostname]))
        connect(client, hostname, **more)

    monkeypatch.setattr(paramiko.SSHClient, "connect", redirected)
    text = io.StringIO()
    KEY.write_private_key(text)
    machines = [
        Machine(name, name, address, "", server.host_key.fingerprint, public_line(server.host_key), public)
        for name, address, public, server in (
            ("gateway", "10.0.0.12", "203.0.113.10", gateway),
            ("worker", "10.0.0.40", "", behind),
        )
    ]
    yield Outputs("https://203.0.113.9:6443", "", text.getvalue(), "debian", tuple(machines), None, {})
    gateway.close()
    behind.close()


def with_key(outputs: Outputs, name: str, host_key: str, printed: str) -> Outputs:
    changed = tuple(
        replace(machine, host_key=host_key, host_key_fingerprint=printed) if machine.name == name else machine
        for machine in outputs.inventory
    )
    return replace(outputs, inventory=changed)


def test_runs_on_a_gateway_and_behind_it(platform: Outputs) -> None:
    with Ssh(platform) as ssh:
        assert ssh.run(platform.machine("gateway"), "uptime") == "uptime:"
        assert ssh.run(platform.machine("worker"), "bash -s", "echo 1\n") == "bash -s:echo 1\n"
        with pytest.raises(SshError, match="worker: `wrong` failed: no such command"):
            ssh.run(platform.machine("worker"), "wrong")


def test_a_fingerprint_is_enough(platform: Outputs) -> None:
    outputs = with_key(platform, "worker", "", platform.machine("worker").host_key_fingerprint)
    with Ssh(outputs) as ssh:
        assert ssh.run(outputs.machine("worker"), "uptime") == "uptime:"


@pytest.mark.parametrize("name", ["gateway", "worker"])
@pytest.mark.parametrize("whole", [True, False])
def test_refuses_another_host_key(platform: Outputs, name: str, whole: bool) -> None:
    other = paramiko.ECDSAKey.generate()
    outputs = with_key(platform, name, public_line(other) if whole else "", other.fingerprint)
    with Ssh(outputs) as ssh, pytest.raises(SshError, match=f"{name}: no SSH to .*[Hh]ost key"):
        ssh.run(outputs.machine("worker"), "uptime")
        ssh.run(outputs.machine(name), "uptime")


def test_a_machine_that_is_gone(platform: Outputs) -> None:
    gone = replace(platform.machine("worker"), name="gone", address="10.0.0.99")
    with Ssh(platform) as ssh, pytest.raises(SshError, match="gone: no"):
        ssh.run(gone, "uptime")


def test_an_unreadable_key() -> None:
    with pytest.raises(SshError, match="sshPrivateKey"):
        private_key("no key")


def test_the_gateways_are_the_way_in_wherever_the_api_is(platform: Outputs) -> None:
    """With a load balancer of the cloud the API has an address of its own."""
    elsewhere = replace(platform, api_endpoint="https://192.0.2.1:6443", gateway_address=platform.api_host)
    with Ssh(elsewhere) as ssh:
        assert ssh.run(elsewhere.machine("worker"), "uptime") == "uptime:"
