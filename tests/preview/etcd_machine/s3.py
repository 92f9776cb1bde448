"""As much of an S3 store as rclone needs for small files: put, head, get, list and delete, with one access key."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY = "the-access-key"


class Store(ThreadingHTTPServer):
    """Stores objects by "bucket/key". While `refuses` is set, it denies every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.refuses = False

    @property
    def endpoint(self) -> str:
        """The store's URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    """Handles path-style requests, as private stores use them."""

    server: Store
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _denied(self) -> bool:
        shown = self.headers.get("Authorization", "") + self.path
        denied = self.server.refuses or ACCESS_KEY not in shown
        if denied:
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>no entry</Message></Error>")
        return denied

    @property
    def _name(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._denied():
            self.server.objects[self._name] = body
            self._answer(200, ETag=_tag(body))

    def do_DELETE(self) -> None:
        if not self._denied():
            self.server.objects.pop(self._name, None)
            self._answer(204)

    def do_HEAD(self) -> None:
        self._object()

    def do_GET(self) -> None:
        if "/" in self._name.rstrip("/"):
            self._object()
        elif not self._denied():
            self._answer(200, self._listing().encode(), Content_Type="application/xml")

    def _object(self) -> None:
        if self._denied():
            return
        body = self.server.objects.get(self._name)
        if body is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            headers = {"ETag": _tag(body), "Last_Modified": formatdate(usegmt=True), "Content_Length": str(len(body))}
            self._answer(200, body, **headers)

    def _listing(self) -> str:
        query = parse_qs(urlsplit(self.path).query)
        bucket, prefix = self._name.rstrip("/"), query.get("prefix", [""])[0]
        entries = "".join(
            f"<Contents><Key>{escape(name.removeprefix(bucket + '/'))}</Key><Size>{len(body)}</Size>"
            f"<LastModified>2026-01-01T00:00:00Z</LastModified><ETag>{escape(_tag(body))}</ETag></Contents>"
            for name, body in sorted(self.server.objects.items())
            if name.startswith(f"{bucket}/{prefix}")
        )
        return f"<ListBucketResult><Name>{bucket}</Name><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"


def _tag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


@contextmanager
def serve() -> Iterator[Store]:
    """Run a store during the block."""
    with Store() as store:
        thread = Thread(target=store.serve_forever)
        thread.start()
        try:
            yield store
        finally:
            store.shutdown()
            thread.join()
