"""An SSH server for tests: answers commands from a table and passes connections on, as a gateway does."""

import base64
import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

import paramiko

#: What a command gets back: its output and its exit status, from the command and its standard input.
Answer = Callable[[str, str], tuple[str, int]]


def public_line(key: paramiko.PKey) -> str:
    """The public key in OpenSSH's format."""
    return f"{key.get_name()} {base64.b64encode(key.asbytes()).decode()}"


class _Rules(paramiko.ServerInterface):
    """Accepts one user's key; `commands` and `targets` collect what the client asks for."""

    def __init__(self, allowed: paramiko.PKey) -> None:
        self.allowed = allowed
        self.commands: dict[int, str] = {}
        self.targets: dict[int, tuple[str, int]] = {}

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        right = username == "debian" and key.asbytes() == self.allowed.asbytes()
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        self.commands[channel.get_id()] = command.decode()
        return True

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        self.targets[chanid] = destination
        return paramiko.OPEN_SUCCEEDED


class SshServer:
    """Listens on an address of the loopback, port 22 in the client's view: `port` is patched in by the test."""

    def __init__(self, allowed: paramiko.PKey, answer: Answer, routes: dict[str, int] | None = None) -> None:
        self.host_key = paramiko.ECDSAKey.generate()
        self.allowed, self.answer, self.routes = allowed, answer, routes or {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """No new connections."""
        self.listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.add_server_key(self.host_key)
        rules = _Rules(self.allowed)
        try:
            transport.start_server(server=rules)
        except (paramiko.SSHException, EOFError, OSError):
            return
        while transport.is_active():
            channel = transport.accept(1)
            if channel is not None:
                threading.Thread(target=self._channel, args=(rules, channel), daemon=True).start()

    def _channel(self, rules: _Rules, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError, EOFError):  # the client is gone
            self._answer(rules, channel)

    def _answer(self, rules: _Rules, channel: paramiko.Channel) -> None:
        if channel.get_id() in rules.targets:
            address, _ = rules.targets[channel.get_id()]
            self._forward(channel, address)
            return
        script = channel.makefile("r").read().decode()
        text, status = self.answer(rules.commands[channel.get_id()], script)
        (channel.sendall if status == 0 else channel.sendall_stderr)(text.encode())
        channel.send_exit_status(status)
        channel.close()

    def _forward(self, channel: paramiko.Channel, address: str) -> None:
        if address not in self.routes:
            channel.close()
            return
        with (
            socket.create_connection(("127.0.0.1", self.routes[address])) as target,
            selectors.DefaultSelector() as both,
        ):
            both.register(target, selectors.EVENT_READ, channel)
            both.register(channel, selectors.EVENT_READ, target)
            while True:
                for ready, _ in both.select():
                    content = ready.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not content:
                        channel.close()
                        return
                    ready.data.sendall(content)
