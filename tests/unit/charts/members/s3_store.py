"""A bucket behind TLS that verifies each request's signature.

Usage: s3_store.py FOLDER STORE SECRET-KEY. FOLDER holds server.crt and server.key; objects are files below STORE.
Signature Version 4 as its specification has it, checked against nothing of ours.
"""

import hashlib
import hmac
import re
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

folder, store, secret = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]


class Bucket(BaseHTTPRequestHandler):
    """PUT, GET and DELETE of objects as files below STORE, and lists of them, two at a time."""

    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if not self._signed() or hashlib.sha256(body).hexdigest() != self.headers["x-amz-content-sha256"]:
            return self._answer(403)
        path, _, query = self.path.partition("?")
        file = store / path.lstrip("/")
        if query:
            return self._answer(200, _listing(file, dict(parse_qsl(query, strict_parsing=True))).encode())
        if self.command == "PUT":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
            return self._answer(200)
        if self.command == "DELETE":
            file.unlink(missing_ok=True)
            return self._answer(204)
        return self._answer(200, file.read_bytes()) if file.exists() else self._answer(404)

    do_PUT = do_GET = do_DELETE = _handle

    def _signed(self) -> bool:
        pattern = (
            r"AWS4-HMAC-SHA256 Credential=access/(\d+)/([^/]+)/s3/aws4_request,SignedHeaders=([^,]+),Signature=(\w+)"
        )
        given = re.fullmatch(pattern, self.headers["Authorization"])
        if given is None:
            return False
        day, region, names, signature = given.groups()
        headers = "".join(f"{name}:{self.headers[name]}\n" for name in names.split(";"))
        path, _, query = self.path.partition("?")
        lines = [self.command, path, query, headers, names, self.headers["x-amz-content-sha256"]]
        request = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{self.headers['x-amz-date']}\n{day}/{region}/s3/aws4_request\n{request}"
        key = f"AWS4{secret}".encode()
        for part in (day, region, "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key.hex() == signature

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _listing(bucket: Path, asked: dict[str, str]) -> str:
    """ListObjectsV2, as far as the API reference makes it a promise."""
    assert asked["list-type"] == "2"
    names = sorted(str(file.relative_to(bucket)) for file in bucket.rglob("*") if file.is_file())
    wanted = [name for name in names if name.startswith(asked["prefix"]) and name > asked.get("start-after", "")]
    entries = "".join(f"<Contents><Key>{name}</Key><Size>1</Size></Contents>" for name in wanted[:2])
    more = "true" if len(wanted) > 2 else "false"
    return f"<?xml version='1.0'?>\n<ListBucketResult><IsTruncated>{more}</IsTruncated>{entries}</ListBucketResult>"


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(folder / "server.crt", folder / "server.key")
server = ThreadingHTTPServer(("127.0.0.1", 9000), Bucket)
server.socket = context.wrap_socket(server.socket, server_side=True)
(folder / "store-listening").touch()
server.serve_forever()
