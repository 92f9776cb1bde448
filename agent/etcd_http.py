"""Requests to etcd over HTTP: its JSON gateway and the few paths beside it, at any of several endpoints, with TLS.

https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/: numbers of 64 bits are strings, keys and values are base64, and
fields that are zero are left out. With client certificates the gateway dials etcd itself with the server's certificate,
so that one needs client_auth too (components/pki.py).
"""

import contextlib
import http.client
import itertools
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from agent.clock import Clock

Json = dict[str, Any]

#: Seconds for a connection with its TLS handshake, as `etcdctl --dial-timeout 2s`.
CONNECT_SECONDS: Final = 2.0
#: Seconds after which a stream that brings nothing counts as broken.
STALL_SECONDS: Final = 60.0
#: Codes of gRPC (https://grpc.io/docs/guides/status-codes/) that callers ask for.
CANCELLED, UNKNOWN, DEADLINE, NOT_FOUND, PRECONDITION, OUT_OF_RANGE, INTERNAL, UNAVAILABLE = 1, 2, 4, 5, 9, 11, 13, 14
#: What etcd says of itself when it cannot help for the moment, and has certainly done nothing (api/v3rpc/rpctypes).
_REFUSALS: Final = ("for learner", "no leader", "unhealthy cluster", "not capable", "too many requests")

#: Kinds of failures, the one that counts last.
_UNASKED, _NOT_DONE, _MAYBE_DONE, _REFUSED = range(4)

Value = TypeVar("Value")


class EtcdError(Exception):
    """etcd answered, and refused; `code` is gRPC's, 0 where nothing was asked."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class NoAnswer(EtcdError):
    """Nobody answered within the time; what was asked may have been done."""


class NotConnected(NoAnswer):
    """No connection was made, so nothing has been asked."""


@dataclass(frozen=True)
class Tls:
    """PEM files: the authorities that are trusted, and this client's certificate and key."""

    ca: Path
    certificate: Path
    key: Path


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _context(tls: Tls) -> ssl.SSLContext:
    """Made for each connection: the files change while a lock is held."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # etcd's peer port offers HTTP/2 too, and answers only HTTP/1.1 on the path that is asked there.
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(tls.ca)
        context.load_cert_chain(tls.certificate, tls.key)
    except OSError as error:
        raise EtcdError(f"cannot use {tls.ca} with {tls.certificate} and {tls.key}: {error}") from error
    return context


def _refusal(status: int, body: bytes) -> EtcdError:
    """What an answer with an error means. "Unavailable" after "timed out" or "server stopped" may have been done."""
    try:
        found = json.loads(body)
        if isinstance(found.get("error"), dict):
            found = found["error"]
        text = str(found.get("message") or found.get("error"))
        code = int(found.get("code", found.get("grpc_code", UNKNOWN)))
    except (ValueError, AttributeError):
        return EtcdError(f"HTTP {status}: {body[:200].decode(errors='replace').strip()}", UNKNOWN)
    if any(word in text for word in _REFUSALS):
        # 3.6 has another code for learners.
        return EtcdError(text, UNAVAILABLE)
    return (NoAnswer if code in (CANCELLED, DEADLINE, INTERNAL, UNAVAILABLE) else EtcdError)(text, code)


def _weight(error: EtcdError) -> int:
    """Which of several failures counts: a plain refusal, then what may have been done, then what has not been."""
    if isinstance(error, NoAnswer):
        return _UNASKED if isinstance(error, NotConnected) else _MAYBE_DONE
    return _NOT_DONE if error.code == UNAVAILABLE else _REFUSED


def _parts(sock: socket.socket, response: http.client.HTTPResponse, deadline: float, stall: float) -> Iterator[bytes]:
    """The body, as it comes. No read takes longer than the deadline allows."""
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        sock.settimeout(min(left, stall))
        part = response.read1(1 << 16)
        if not part:
            return
        yield part


class EtcdHttp:
    """Asks the endpoints in their order. Each gets `seconds`, and the first that answers is the one."""

    def __init__(self, endpoints: Sequence[str], tls: Tls | None, seconds: float, clock: Clock | None = None) -> None:
        """Endpoints are "https://HOST:PORT", "http://HOST:PORT" or "unix:///PATH"."""
        self.endpoints = tuple(endpoints)
        self.seconds = seconds
        self.clock = clock or Clock()
        self._tls = tls

    def call(self, path: str, body: Mapping[str, Any], seconds: float = 0, repeatable: bool = True) -> Json:
        """The gateway's answer. What is not `repeatable` is asked of no second endpoint once it may have been done."""
        found: Json = self._first(lambda endpoint: self._whole(endpoint, "POST", path, body, seconds), repeatable)
        return found

    def get(self, path: str) -> Any:
        """The JSON at a path that is not the gateway's."""
        return self._first(lambda endpoint: self._whole(endpoint, "GET", path))

    def stream(self, path: str, body: Mapping[str, Any], seconds: float) -> Iterator[Json]:
        """The messages of an answer that goes on and on, from one endpoint. Raises NoAnswer when it breaks off."""
        yield from self._first(lambda endpoint: self._begun(endpoint, path, body, seconds))

    def _first(self, ask: Callable[[str], Value], repeatable: bool = True) -> Value:
        failed: list[EtcdError] = []
        for endpoint in self.endpoints:
            try:
                return ask(endpoint)
            except EtcdError as error:
                failed.append(error)
                if _weight(error) > (_MAYBE_DONE if repeatable else _NOT_DONE):
                    break
        if not failed:
            raise EtcdError("there is no endpoint to ask")
        worst = max(failed, key=_weight)
        raise type(worst)("; ".join(dict.fromkeys(error.text for error in failed)), worst.code) from worst

    def _whole(
        self, endpoint: str, method: str, path: str, body: Mapping[str, Any] | None = None, seconds: float = 0
    ) -> Any:
        seconds = seconds or self.seconds
        with self._answer(endpoint, method, path, body, seconds, seconds) as parts:
            try:
                return json.loads(b"".join(parts))
            except ValueError as error:
                raise NoAnswer(f"{endpoint}: the answer is not whole") from error

    def _begun(self, endpoint: str, path: str, body: Mapping[str, Any], seconds: float) -> Iterator[Json]:
        """A stream whose first message is there: until then another endpoint can be asked."""
        messages = self._messages(endpoint, path, body, seconds)
        first = next(messages, None)
        if first is None:
            raise NoAnswer(f"{endpoint}: the stream is empty")
        return itertools.chain([first], messages)

    def _messages(self, endpoint: str, path: str, body: Mapping[str, Any], seconds: float) -> Iterator[Json]:
        with self._answer(endpoint, "POST", path, body, seconds, STALL_SECONDS) as parts:
            rest = b""
            for part in itertools.chain(parts, [b"\n"]):
                *lines, rest = (rest + part).split(b"\n")
                for line in filter(bytes.strip, lines):
                    try:
                        message = json.loads(line)
                    except ValueError as error:
                        raise NoAnswer(f"{endpoint}: the stream broke off") from error
                    if "result" not in message:
                        raise _refusal(http.client.OK, line)
                    yield message["result"]

    @contextlib.contextmanager
    def _answer(
        self, endpoint: str, method: str, path: str, body: Mapping[str, Any] | None, seconds: float, stall: float
    ) -> Iterator[Iterator[bytes]]:
        deadline = time.monotonic() + seconds
        with contextlib.closing(self._connection(endpoint, min(seconds, CONNECT_SECONDS))) as connection:
            try:
                connection.connect()
            except OSError as error:
                raise NotConnected(f"{endpoint}: {error}", UNAVAILABLE) from error
            sock = connection.sock
            sock.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                connection.request(method, path, None if body is None else json.dumps(body))
                response = connection.getresponse()
                if response.status != http.client.OK:
                    raise _refusal(response.status, b"".join(_parts(sock, response, deadline, stall)))
                yield _parts(sock, response, deadline, stall)
            except (OSError, http.client.HTTPException) as error:
                raise NoAnswer(f"{endpoint}: {error or type(error).__name__}", UNAVAILABLE) from error

    def _connection(self, endpoint: str, seconds: float) -> http.client.HTTPConnection:
        url = urlsplit(endpoint)
        if url.scheme == "unix":
            return _UnixConnection(url.path, seconds)
        if url.scheme == "http":
            return http.client.HTTPConnection(url.hostname or "", url.port, timeout=seconds)
        if self._tls is None:
            raise EtcdError(f"{endpoint} is asked with a certificate only")
        return http.client.HTTPSConnection(url.hostname or "", url.port, timeout=seconds, context=_context(self._tls))
