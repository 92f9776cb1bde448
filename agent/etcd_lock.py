"""Locks in etcd that end with their holder. Keys are those of `etcdctl lock`, so both wait for each other."""

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any, Final

from agent.etcd_http import NOT_FOUND, UNAVAILABLE, EtcdError, EtcdHttp, NoAnswer

#: Seconds between two looks whether it is this one's turn.
LOOK_SECONDS: Final = 0.5
#: Seconds between two tries to keep a lease alive, after one that failed.
AGAIN_SECONDS: Final = 1.0


class LockLost(EtcdError):
    """The lock has ended, or may have: another one may hold it."""


class LockBusy(EtcdError):
    """Another one held the lock for the whole time."""


def encoded(text: str) -> str:
    """A key or value as the gateway wants it."""
    return base64.b64encode(text.encode()).decode()


def after(prefix: str) -> str:
    """The end of the range of all keys with the prefix, encoded."""
    raw = prefix.encode()
    # UTF-8 has no byte 255, so the last one can always be raised.
    return base64.b64encode(raw[:-1] + bytes([raw[-1] + 1])).decode()


class Lock:
    """A place in the queue, with a lease of `ttl` seconds that a thread keeps alive. The first one holds it."""

    def __init__(self, etcd: EtcdHttp, name: str, ttl: int) -> None:
        self._etcd = etcd
        self._clock = etcd.clock
        self.name = name
        began = self._clock.monotonic()
        granted = etcd.call("/v3/lease/grant", {"TTL": str(ttl)})
        self.lease = int(granted["ID"])
        #: etcd raises a time that is too short for its elections.
        self._ttl = int(granted["TTL"])
        self._good_until = began + self._ttl
        self.key = f"{name}/{self.lease:x}"
        self._created = ""
        self._lost = ""
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name=f"lock {name}", daemon=True)
        self._keeper.start()

    def check(self) -> None:
        """Raises LockLost unless this one certainly holds the lock still. Costs nothing: the thread asks etcd."""
        late = self._clock.monotonic() - self._good_until
        if not self._lost and late >= 0:
            self._lost = f"etcd has not confirmed it for {self._ttl + late:.0f} s"
        if self._lost:
            raise LockLost(f"the lock {self.name} in etcd may have another holder: {self._lost}")

    def ask(self) -> str:
        """Queues up, once, and looks whose turn it is: empty when it is this one's. Raises EtcdError."""
        key = encoded(self.key)
        value = {"key": key, "value": encoded(socket.gethostname()), "lease": str(self.lease)}
        queued = self._etcd.call(
            "/v3/kv/txn",
            {
                "compare": [{"key": key, "target": "CREATE", "result": "EQUAL", "create_revision": "0"}],
                "success": [{"request_put": value}],
                "failure": [{"request_range": {"key": key}}],
            },
        )
        if queued.get("succeeded"):
            self._created = queued["header"]["revision"]
        else:
            self._created = queued["responses"][0]["response_range"]["kvs"][0]["create_revision"]
        first = self._range(f"{self.name}/", range_end=after(f"{self.name}/"), sort_target="CREATE", limit="1")
        if not first:
            raise EtcdError(f"the lease of the lock {self.name} ended while this one waited for it", NOT_FOUND)
        if first[0]["create_revision"] == self._created:
            return ""
        return f"{base64.b64decode(first[0].get('value', '')).decode(errors='replace') or 'another one'} holds it"

    def _range(self, key: str, **more: str) -> list[dict[str, Any]]:
        found = self._etcd.call("/v3/kv/range", {"key": encoded(key), "sort_order": "ASCEND", **more})
        return list(found.get("kvs", ()))

    def _keep(self) -> None:
        """A third of its time apart, as etcd's own client does."""
        wait = usual = self._ttl / 3
        while not self._ended.wait(wait):
            try:
                self.renew()
                wait = usual
            except EtcdError:
                # It may pass. check() knows how long the last confirmation is good.
                wait = min(AGAIN_SECONDS, usual)

    def renew(self) -> None:
        """Asks etcd to keep the lock alive, and notes what it says. Raises EtcdError when it says nothing of it."""
        began = self._clock.monotonic()
        # A stream, which ends with the one request.
        answers = list(self._etcd.stream("/v3/lease/keepalive", {"ID": str(self.lease)}, self._etcd.seconds))
        ttl = int(answers[-1].get("TTL", 0))
        created = self._created
        if ttl <= 0:
            self._lost = "its lease has ended"
        elif created and [found["create_revision"] for found in self._range(self.key)] != [created]:
            self._lost = "its key has been removed"
        else:
            self._good_until = began + ttl

    def end(self) -> None:
        """Gives the lock back, or the place in its queue. When nobody answers it ends with its lease."""
        self._ended.set()
        self._keeper.join(self._etcd.seconds)
        with contextlib.suppress(EtcdError):
            self._etcd.call("/v3/lease/revoke", {"ID": str(self.lease)})


@contextlib.contextmanager
def hold(etcd: EtcdHttp, name: str, wait_seconds: float, ttl: int) -> Iterator[Lock]:
    """Waits for the lock and holds it. A holder that is gone loses it within `ttl` seconds.

    Raises LockBusy or, when that came last, NoAnswer or EtcdError; EtcdError at once for what does not pass.
    """
    clock = etcd.clock
    began = clock.monotonic()
    lock: Lock | None = None
    try:
        while True:
            kind: type[EtcdError] = LockBusy
            try:
                lock = lock or Lock(etcd, name, ttl)
                seen = lock.ask()
                if not seen:
                    break
            except EtcdError as error:
                seen = error.text
                kind = NoAnswer if isinstance(error, NoAnswer) else EtcdError
                if error.code == NOT_FOUND and lock:
                    # Its lease ended meanwhile: to the end of the queue.
                    lock.end()
                    lock = None
                elif kind is EtcdError and error.code != UNAVAILABLE:
                    raise
            passed = clock.monotonic() - began
            if passed >= wait_seconds:
                raise kind(f"the lock {name} in etcd was not to be had within {passed:.0f} s: {seen}", UNAVAILABLE)
            clock.sleep(LOOK_SECONDS)
        yield lock
    finally:
        if lock:
            lock.end()
