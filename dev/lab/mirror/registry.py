"""Pushes OCI layouts to a registry through its HTTP API, only what is missing there."""

import http.client
import json
import urllib.parse
from pathlib import Path
from typing import IO

from dev.errors import DevError
from dev.lab.mirror.oci import MANIFEST_TYPE, blob_path, manifest_digest

_LIMIT_SECONDS = 120


class Registry:
    """A registry (host:port) over plain HTTP, on the lab's own bridge."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection = http.client.HTTPConnection(address, timeout=_LIMIT_SECONDS)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def check(self) -> None:
        """Raises DevError when no registry answers."""
        status, _ = self._ask("GET", "/v2/")
        if status != 200:
            raise DevError(f"http://{self.address}/v2/ answers {status}: this is not the lab's registry")

    def digest(self, name: str, tag: str) -> str:
        """The digest of a tag, or "" when it does not exist."""
        status, headers = self._ask("HEAD", f"/v2/{name}/manifests/{tag}", headers={"Accept": MANIFEST_TYPE})
        return (headers.get("Docker-Content-Digest") or "") if status == 200 else ""

    def push(self, layout: Path, name: str, tag: str) -> bool:
        """Pushes a layout as name:tag. Returns whether the tag was missing or another image."""
        wanted = manifest_digest(layout)
        if self.digest(name, tag) == wanted:
            return False
        content = blob_path(layout, wanted).read_bytes()
        manifest = json.loads(content)
        for descriptor in [manifest["config"], *manifest["layers"]]:
            self._push_blob(name, descriptor["digest"], blob_path(layout, descriptor["digest"]))
        status, _ = self._ask("PUT", f"/v2/{name}/manifests/{tag}", content, {"Content-Type": MANIFEST_TYPE})
        self._expect(201, status, f"manifest of {name}:{tag}")
        return True

    def _push_blob(self, name: str, digest: str, path: Path) -> None:
        status, _ = self._ask("HEAD", f"/v2/{name}/blobs/{digest}")
        if status == 200:
            return
        status, headers = self._ask("POST", f"/v2/{name}/blobs/uploads/")
        location = headers.get("Location")
        if status != 202 or not location:
            raise DevError(f"registry {self.address}: upload to {name} rejected with {status}")
        parts = urllib.parse.urlsplit(location)
        query = "&".join(filter(None, [parts.query, urllib.parse.urlencode({"digest": digest})]))
        size = {"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size)}
        with path.open("rb") as content:
            status, _ = self._ask("PUT", f"{parts.path}?{query}", content, size)
        self._expect(201, status, f"blob {digest} of {name}")

    def _expect(self, wanted: int, status: int, what: str) -> None:
        if status != wanted:
            raise DevError(f"registry {self.address}: {what} rejected with {status}")

    def _ask(
        self, method: str, path: str, body: bytes | IO[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage]:
        try:
            self._connection.request(method, path, body=body, headers=headers or {})
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise DevError(f"no registry answers at http://{self.address}: {error}") from error
        return answer.status, answer.headers
