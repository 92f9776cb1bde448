"""Writes OCI image layouts with layers made from plain files, reproducible to the byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.lab.mirror.product import EPOCH_SECONDS

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
_MANIFEST_FILE = "manifest.digest"
#: Fast rather than small: these layers are only sent over a bridge of this host.
_GZIP_LEVEL = 1


@dataclass(frozen=True)
class Entry:
    """An entry of a layer at an absolute path: a file with the content of `file` or `text`, a link, or a folder."""

    path: str
    mode: int = 0o755
    file: Path | None = None
    text: str | None = None
    link: str | None = None
    owner: int = 0


@dataclass(frozen=True)
class Descriptor:
    """How OCI names a blob."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The descriptor as JSON."""
        plain: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return {**plain, "annotations": dict(self.annotations)} if self.annotations else plain


@dataclass(frozen=True)
class ImageConfig:
    """What a container of the image runs."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    user: str = ""
    working_directory: str = ""
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The `config` of an OCI image configuration."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        fields: dict[str, Any] = {
            "Env": [path, *self.environment],
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.command),
            "User": self.user,
            "WorkingDir": self.working_directory,
            "Volumes": {volume: {} for volume in self.volumes},
            "ExposedPorts": {port: {} for port in self.ports},
        }
        return {name: value for name, value in fields.items() if value}


def layer_tar(entries: Iterable[Entry]) -> bytes:
    """A layer as a tar: parents before children, with fixed times and owners."""
    buffer = io.BytesIO()
    seen: set[str] = set()
    ordered = sorted(entries, key=lambda entry: entry.path)
    explicit = {entry.path.strip("/") for entry in ordered}
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for entry in ordered:
            name = entry.path.strip("/")
            elements = name.split("/")
            for count in range(1, len(elements)):
                parent = "/".join(elements[:count])
                if parent not in seen and parent not in explicit:
                    archive.addfile(_member(Entry(parent)))
                seen.add(parent)
            seen.add(name)
            content = entry.file.read_bytes() if entry.file else (entry.text or "").encode()
            member = _member(entry)
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return buffer.getvalue()


def _member(entry: Entry) -> tarfile.TarInfo:
    member = tarfile.TarInfo(entry.path.strip("/"))
    member.mode, member.mtime, member.uid, member.gid = entry.mode, EPOCH_SECONDS, entry.owner, entry.owner
    if entry.link is not None:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
    elif entry.file is None and entry.text is None:
        member.type = tarfile.DIRTYPE
    return member


class Layout:
    """An OCI image layout with one manifest, in its own empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)

    def blob(self, content: bytes, media_type: str, annotations: Mapping[str, str] | None = None) -> Descriptor:
        """Adds a blob."""
        digest = hashlib.sha256(content).hexdigest()
        (self._blobs / digest).write_bytes(content)
        return Descriptor(media_type, f"sha256:{digest}", len(content), annotations or {})

    def image(self, tars: Iterable[bytes], config: ImageConfig) -> str:
        """Adds a container image with these layers. Returns the digest of its manifest."""
        layers, identities = [], []
        for tar in tars:
            identities.append(f"sha256:{hashlib.sha256(tar).hexdigest()}")
            layers.append(self.blob(gzip.compress(tar, _GZIP_LEVEL, mtime=0), LAYER_TYPE))
        document = {
            "created": "2026-01-01T00:00:00Z",
            "architecture": "amd64",
            "os": "linux",
            "config": config.document(),
            "rootfs": {"type": "layers", "diff_ids": identities},
        }
        return self.manifest(self.blob(_json(document), CONFIG_TYPE), layers)

    def manifest(
        self, config: Descriptor, layers: Iterable[Descriptor], annotations: Mapping[str, str] | None = None
    ) -> str:
        """Adds the manifest, which completes the layout. Returns its digest."""
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.document(),
            "layers": [layer.document() for layer in layers],
        }
        if annotations:
            document["annotations"] = dict(annotations)
        manifest = self.blob(_json(document), MANIFEST_TYPE)
        (self.folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
        (self.folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [manifest.document()]}))
        (self.folder / _MANIFEST_FILE).write_text(manifest.digest)
        return manifest.digest


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def manifest_digest(layout: Path) -> str:
    """The digest of the manifest of a finished layout."""
    return (layout / _MANIFEST_FILE).read_text()


def blob_path(layout: Path, digest: str) -> Path:
    """The file of a blob."""
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")
