"""The mirror's OCI writer and its way into a registry."""

import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from dev.errors import DevError
from dev.lab.mirror.oci import MANIFEST_TYPE, Entry, Layout, blob_path, image_config, layer_tar, manifest_digest
from dev.lab.mirror.registry import Registry


def small_image(folder: Path) -> str:
    """An image of one file and one folder."""
    folder.mkdir()
    entries = [Entry("/usr/bin/tool", content=b"#!/bin/sh\n"), Entry("/tmp", 0o1777)]
    return Layout(folder).image([layer_tar(entries)], image_config(Entrypoint=["/usr/bin/tool"], User="65535:65535"))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert small_image(tmp_path / "one") == small_image(tmp_path / "two")


def test_layer_has_parents_first_and_fixed_owners() -> None:
    tar = layer_tar([Entry("/usr/bin/tool", 0o755, content=b"x"), Entry("/tmp", 0o1777), Entry("/a/file", 0o644, b"")])
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        members = {member.name: member for member in archive}
    assert list(members) == ["a", "a/file", "tmp", "usr", "usr/bin", "usr/bin/tool"]
    assert members["tmp"].isdir() and members["tmp"].mode == 0o1777
    assert members["a/file"].isfile() and members["a/file"].mode == 0o644
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}
    assert len({member.mtime for member in members.values()}) == 1


def test_layout_is_whole(tmp_path: Path) -> None:
    digest = small_image(tmp_path / "image")
    folder = tmp_path / "image"
    assert manifest_digest(folder) == digest
    assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (described,) = json.loads((folder / "index.json").read_text())["manifests"]
    assert described["digest"] == digest
    manifest = json.loads(blob_path(folder, digest).read_bytes())
    for descriptor in [manifest["config"], *manifest["layers"], described]:
        content = blob_path(folder, descriptor["digest"]).read_bytes()
        assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert descriptor["size"] == len(content)
    config = json.loads(blob_path(folder, manifest["config"]["digest"]).read_bytes())
    assert config["config"]["Entrypoint"] == ["/usr/bin/tool"]
    assert config["config"]["User"] == "65535:65535"
    plain = gzip.decompress(blob_path(folder, manifest["layers"][0]["digest"]).read_bytes())
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]


class FakeRegistry(http.server.ThreadingHTTPServer):
    """The part of the distribution API that pushing uses, with all it holds in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), FakeRegistryHandler)
        self.stored: dict[str, bytes] = {}
        self.writes = 0


class FakeRegistryHandler(http.server.BaseHTTPRequestHandler):
    """Keeps blobs and manifests by path."""

    protocol_version = "HTTP/1.1"
    server: FakeRegistry

    def answer(self, status: int, **headers: str) -> None:
        """An answer without a body."""
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self) -> None:
        self.answer(200)

    def do_HEAD(self) -> None:
        content = self.server.stored.get(self.path)
        if content is None:
            self.answer(404)
        else:
            self.answer(200, Docker_Content_Digest=f"sha256:{hashlib.sha256(content).hexdigest()}")

    def do_POST(self) -> None:
        self.answer(202, Location=f"http://{self.headers['Host']}{self.path}1?state=abc")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        parts = urlsplit(self.path)
        name = parts.path.split("/blobs/")[0]
        digest = parse_qs(parts.query).get("digest")
        self.server.stored[f"{name}/blobs/{digest[0]}" if digest else self.path] = content
        self.server.writes += 1
        self.answer(201)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def fake_registry() -> Iterator[FakeRegistry]:
    server = FakeRegistry()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_push_sends_what_is_missing_and_nothing_twice(tmp_path: Path, fake_registry: FakeRegistry) -> None:
    digest = small_image(tmp_path / "image")
    with closing(Registry(f"127.0.0.1:{fake_registry.server_port}")) as registry:
        registry.check()
        assert registry.push(tmp_path / "image", "some/tool", "v1")
        assert fake_registry.writes == 3, "config, layer and manifest"
        assert registry.digest("some/tool", "v1") == digest
        assert not registry.push(tmp_path / "image", "some/tool", "v1")
        assert registry.push(tmp_path / "image", "some/tool", "v2")
        assert fake_registry.writes == 4, "only the manifest under its new tag"
    assert json.loads(fake_registry.stored["/v2/some/tool/manifests/v1"])["mediaType"] == MANIFEST_TYPE


def test_no_registry_is_one_clear_error() -> None:
    with (
        closing(Registry("127.0.0.1:1")) as registry,
        pytest.raises(DevError, match=r"no registry answers at http://127.0.0.1:1"),
    ):
        registry.check()
