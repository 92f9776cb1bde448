"""Commands on machines by SSH: gateways by their own address, the others through the VIP, every host key verified."""

import base64
import io
from contextlib import ExitStack

import paramiko

from ops.shared.errors import OpsError
from ops.shared.outputs import Machine, Outputs

CONNECT_SECONDS = 15
#: Gateways close a way on which nothing is said for some minutes, and a snapshot is quiet for longer.
KEEPALIVE_SECONDS = 30


class SshError(OpsError):
    """A machine could not be reached, or a command on it failed; the message names the machine."""


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

    def __init__(self, expected: str) -> None:
        self.expected = expected

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Refuses any other key."""
        if key.fingerprint != self.expected:
            raise paramiko.SSHException(f"its host key is {key.fingerprint}, the inventory has {self.expected}")


class Ssh(ExitStack):
    """Connections to the machines of one platform, opened when needed and closed together."""

    def __init__(
        self, outputs: Outputs, through: Machine | None = None, connect_seconds: float = CONNECT_SECONDS
    ) -> None:
        """`through` is a gateway with an address of its own to go by, instead of the one that holds the VIP."""
        super().__init__()
        self.outputs = outputs
        self.through = through
        self.connect_seconds = connect_seconds
        self.key = private_key(outputs.ssh_private_key)
        self.clients: dict[str, paramiko.SSHClient] = {}

    def _connect(self, machine: Machine, host: str, channel: paramiko.Channel | None = None) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(_Pinned(machine.host_key_fingerprint))
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
        self.callback(client.close)
        if transport := client.get_transport():
            transport.set_keepalive(KEEPALIVE_SECONDS)
        return client

    def reach(self) -> paramiko.SSHClient:
        """The gateway that holds the VIP, whichever it is: all gateways have the same host key.

        It is the way to the machines behind, and several threads may use it afterwards. Raises SshError.
        """
        if "" not in self.clients:
            gateway = self.through or next(iter(self.outputs.role("gateway")), None)
            if gateway is None:
                raise SshError("the inventory has no gateway")
            host = self.through.public_address if self.through else self.outputs.entry_host
            self.clients[""] = self._connect(gateway, host)
        return self.clients[""]

    def client(self, machine: Machine) -> paramiko.SSHClient:
        """The connection to a machine. Raises SshError."""
        if machine.name not in self.clients:
            host = machine.public_address or machine.address
            channel = None if machine.public_address else self._channel(machine)
            self.clients[machine.name] = self._connect(machine, host, channel)
        return self.clients[machine.name]

    def _channel(self, machine: Machine) -> paramiko.Channel:
        """From the gateway to a machine behind it."""
        transport = self.reach().get_transport()
        if transport is None:
            raise SshError(f"{machine.name}: the connection to {self.outputs.entry_host} is closed")
        target, seconds = (machine.address, 22), self.connect_seconds
        try:
            return transport.open_channel("direct-tcpip", target, ("127.0.0.1", 0), timeout=seconds)
        except (paramiko.SSHException, OSError) as error:
            raise SshError(f"{machine.name}: not reached through {self.outputs.entry_host}: {error}") from error

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
