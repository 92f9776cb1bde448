"""Writes tars, and OCI image layouts with layers made from plain files, reproducible to the byte."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dev.lab.mirror.product import EPOCH_SECONDS

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST_FILE = "manifest.digest"
#: Fast rather than small: these layers are only sent over a bridge of this host.
_GZIP_LEVEL = 1

#: How OCI names a blob: its media type, digest and size, as JSON.
Descriptor = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """An entry of a tar: a file with this content or that of a file of this host, or a folder."""

    path: str
    mode: int = 0o755
    content: Path | bytes | None = None


def pack(entries: Iterable[Entry]) -> bytes:
    """A tar of these entries in this order, with fixed times and owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            content = entry.content.read_bytes() if isinstance(entry.content, Path) else entry.content
            member = tarfile.TarInfo(entry.path.strip("/"))
            member.mode, member.mtime, member.size = entry.mode, EPOCH_SECONDS, len(content or b"")
            if content is None:
                member.type = tarfile.DIRTYPE
            archive.addfile(member, io.BytesIO(content or b""))
    return buffer.getvalue()


def layer_tar(entries: Iterable[Entry]) -> bytes:
    """A layer as a tar, with the folders above the entries: parents before children."""
    by_path = {entry.path.strip("/"): entry for entry in entries}
    for path in list(by_path):
        for parent in map(str, PurePosixPath(path).parents[:-1]):
            by_path.setdefault(parent, Entry(parent))
    return pack(by_path[path] for path in sorted(by_path))


def image_config(*environment: str, **fields: Any) -> dict[str, Any]:
    """The `config` of an OCI image configuration: what a container of the image runs. OCI names the fields."""
    return {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *environment], **fields}


class Layout:
    """An OCI image layout with one manifest, in its own empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)

    def blob(self, content: bytes, media_type: str) -> Descriptor:
        """Adds a blob."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blob_path(self.folder, digest).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def image(self, tars: Iterable[bytes], config: Mapping[str, Any]) -> str:
        """Adds a container image with these layers. Returns the digest of its manifest."""
        layers, identities = [], []
        for tar in tars:
            identities.append(f"sha256:{hashlib.sha256(tar).hexdigest()}")
            layers.append(self.blob(gzip.compress(tar, _GZIP_LEVEL, mtime=0), LAYER_TYPE))
        document = {
            "created": "2026-01-01T00:00:00Z",
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": identities},
        }
        return self.manifest(self.blob(_json(document), CONFIG_TYPE), layers)

    def manifest(
        self, config: Descriptor, layers: list[Descriptor], annotations: Mapping[str, str] | None = None
    ) -> str:
        """Adds the manifest, which completes the layout. Returns its digest."""
        document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": layers}
        manifest = self.blob(_json(document | ({"annotations": annotations} if annotations else {})), MANIFEST_TYPE)
        (self.folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
        (self.folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [manifest]}))
        (self.folder / _MANIFEST_FILE).write_text(manifest["digest"])
        return str(manifest["digest"])


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def manifest_digest(layout: Path) -> str:
    """The digest of the manifest of a finished layout."""
    return (layout / _MANIFEST_FILE).read_text()


def blob_path(layout: Path, digest: str) -> Path:
    """The file of a blob."""
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")
