"""On a member of etcd, as root: `fill` writes keys under a prefix until etcd is full, `clear` deletes them.

Arguments: fill|clear PREFIX SECONDS. Python's standard library only; it is read from standard input.
"""

import base64
import http.client
import json
import os
import ssl
import sys
import threading
import time

PKI = "/etc/etcd/pki"
#: Several at a time; each writes this much, which etcd keeps in memory for the last 5000 requests.
THREADS, VALUE_BYTES = 8, 16 * 1024
NO_SPACE = "database space exceeded"


class Client:
    """etcd's JSON gateway on this machine, by one connection."""

    def __init__(self) -> None:
        context = ssl.create_default_context(cafile=f"{PKI}/ca.crt")
        context.load_cert_chain(f"{PKI}/client.crt", f"{PKI}/client.key")
        self.connection = http.client.HTTPSConnection("127.0.0.1", 2379, timeout=60, context=context)

    def ask(self, path: str, body: dict[str, str]) -> str:
        """What went wrong; empty when nothing did."""
        try:
            self.connection.request("POST", path, json.dumps(body))
            answer = self.connection.getresponse()
            text = answer.read().decode(errors="replace")
        except OSError as error:
            self.connection.close()
            return str(error) or type(error).__name__
        return "" if answer.status == http.client.OK else text


def encoded(data: bytes) -> str:
    """As the gateway wants it."""
    return base64.b64encode(data).decode()


def fill(prefix: bytes, seconds: float) -> None:
    """Ends when etcd says that it is full."""
    end, full, seen = time.monotonic() + seconds, threading.Event(), [""]

    def write(number: int) -> None:
        client, count = Client(), 0
        while not full.is_set() and time.monotonic() < end:
            key = prefix + f"{number}-{os.getpid()}-{count}".encode()
            error = client.ask("/v3/kv/put", {"key": encoded(key), "value": encoded(os.urandom(VALUE_BYTES))})
            count += 1
            if error:
                seen[0] = error
                if NO_SPACE in error:
                    full.set()
                time.sleep(0.2)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not full.is_set():
        sys.exit(f"etcd is not full after {seconds:.0f} s; it said last: {seen[0] or 'nothing'}")


def clear(prefix: bytes, seconds: float) -> None:
    """A full etcd deletes, too."""
    end = time.monotonic() + seconds
    body = {"key": encoded(prefix), "range_end": encoded(prefix[:-1] + bytes([prefix[-1] + 1]))}
    while error := Client().ask("/v3/kv/deleterange", body):
        if time.monotonic() > end:
            sys.exit(f"the keys cannot be deleted: {error}")
        time.sleep(1)


if __name__ == "__main__":
    {"fill": fill, "clear": clear}[sys.argv[1]](sys.argv[2].encode(), float(sys.argv[3]))
