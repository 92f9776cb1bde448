"""Commands on machines by SSH: gateways by their own address, the others through the VIP, every host key verified."""

from __future__ import annotations

import base64
import hashlib
import io
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import paramiko

from ops.shared.errors import OpsError
from ops.shared.outputs import Machine, Outputs

CONNECT_SECONDS = 15


class SshError(OpsError):
    """A machine could not be reached, or a command on it failed; the message names the machine."""


def fingerprint(key: paramiko.PKey) -> str:
    """As OpenSSH prints it: SHA256:... without padding."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode()
    return "SHA256:" + digest.rstrip("=")


def private_key(text: str) -> paramiko.PKey:
    """A private key of any kind that paramiko knows. Raises SshError."""
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text))
        except paramiko.SSHException:
            continue
    raise SshError("the output sshPrivateKey cannot be read as a key")


class _Pinned(paramiko.MissingHostKeyPolicy):
    """Accepts the one host key of a machine, known by its fingerprint."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Refuses any other key."""
        if fingerprint(key) != self.machine.host_key_fingerprint:
            raise paramiko.SSHException(
                f"its host key is {fingerprint(key)}, the inventory has {self.machine.host_key_fingerprint}"
            )


class Ssh:
    """Connections to the machines of one platform, opened when needed and closed together."""

    def __init__(
        self, outputs: Outputs, through: Machine | None = None, connect_seconds: float = CONNECT_SECONDS
    ) -> None:
        """`through` is a gateway with an address of its own to go by, instead of the one that holds the VIP."""
        self.outputs = outputs
        self.through = through
        self.connect_seconds = connect_seconds
        self.key = private_key(outputs.ssh_private_key)
        self.open = ExitStack()
        self.clients: dict[str, paramiko.SSHClient] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections."""
        self.open.close()

    def _connect(self, machine: Machine, host: str, channel: paramiko.Channel | None = None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Pinned(machine))
        if machine.host_key:
            kind, blob = machine.host_key.split()[:2]
            client.get_host_keys().add(host, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(blob)))
        try:
            client.connect(
                host,
                username=self.outputs.ssh_user,
                pkey=self.key,
                sock=channel,
                allow_agent=False,
                look_for_keys=False,
                timeout=self.connect_seconds,
                banner_timeout=self.connect_seconds,
                auth_timeout=self.connect_seconds,
            )
        except (paramiko.SSHException, OSError) as error:
            client.close()
            raise SshError(f"{machine.name}: no SSH to {host}: {error}") from error
        self.open.callback(client.close)
        return client

    def _proxy(self) -> paramiko.SSHClient:
        """The gateway that holds the VIP, whichever it is: all gateways have the same host key."""
        if "" not in self.clients:
            gateways = [self.through] if self.through else self.outputs.role("gateway")
            if not gateways:
                raise SshError("the inventory has no gateway")
            host = self.through.public_address if self.through else self.outputs.entry_host
            self.clients[""] = self._connect(gateways[0], host)
        return self.clients[""]

    def reach(self) -> None:
        """Opens the way to machines behind the gateways, which several threads may go afterwards. Raises SshError."""
        self._proxy()

    def client(self, machine: Machine) -> paramiko.SSHClient:
        """The connection to a machine. Raises SshError."""
        if machine.name not in self.clients:
            if machine.public_address:
                self.clients[machine.name] = self._connect(machine, machine.public_address)
                return self.clients[machine.name]
            transport = self._proxy().get_transport()
            if transport is None:
                raise SshError(f"{machine.name}: the connection to {self.outputs.entry_host} is closed")
            target = (machine.address, 22)
            try:
                channel = transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=self.connect_seconds)
            except (paramiko.SSHException, OSError) as error:
                raise SshError(f"{machine.name}: not reached through {self.outputs.entry_host}: {error}") from error
            self.clients[machine.name] = self._connect(machine, machine.address, channel)
        return self.clients[machine.name]

    def run(self, machine: Machine, command: str, script: str = "", seconds: float = 30) -> str:
        """Runs a command, `script` on its standard input; returns its standard output. Raises SshError."""
        client = self.client(machine)
        try:
            stdin, stdout, stderr = client.exec_command(command, timeout=seconds)
            stdin.write(script)
            stdin.channel.shutdown_write()
            text = stdout.read().decode()
            status = stdout.channel.recv_exit_status()
        except (paramiko.SSHException, OSError) as error:
            raise SshError(f"{machine.name}: `{command}` broke off: {error or 'no answer'}") from error
        if status:
            raise SshError(f"{machine.name}: `{command}` failed: {stderr.read().decode().strip() or text.strip()}")
        return text
