"""Packs a Helm chart in the OCI form that `helm pull oci://` and the Helm SDK read."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from dev.errors import DevError
from dev.lab.mirror.oci import Layout
from dev.lab.mirror.product import EPOCH_SECONDS

CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
CONTENT_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def metadata(chart: Path) -> dict[str, Any]:
    """Chart.yaml. Raises DevError when a field that Helm needs is missing."""
    # Imported here so that compiling can begin before the lab's Debian packages are installed.
    import yaml

    try:
        document = yaml.safe_load((chart / "Chart.yaml").read_text())
    except (OSError, yaml.YAMLError) as error:
        raise DevError(f"{chart}/Chart.yaml: {error}") from error
    missing = {"apiVersion", "name", "version"} - set(document or {})
    if missing:
        raise DevError(f"{chart}/Chart.yaml lacks {', '.join(sorted(missing))}")
    assert isinstance(document, dict)
    return document


def tag(version: str) -> str:
    """A chart version as a registry tag, which may not contain a plus sign."""
    return version.replace("+", "_")


def archive(chart: Path) -> bytes:
    """The chart as `helm package` packs it, but with the same bytes each time."""
    name = metadata(chart)["name"]
    files = sorted(path for path in chart.rglob("*") if path.is_file())
    first = chart / "Chart.yaml"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as target:
        for path in [first, *(path for path in files if path != first)]:
            content = path.read_bytes()
            member = tarfile.TarInfo(f"{name}/{path.relative_to(chart).as_posix()}")
            member.size, member.mode, member.mtime = len(content), 0o644, EPOCH_SECONDS
            target.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def write(chart: Path, folder: Path) -> str:
    """Writes the chart as an OCI layout into an empty folder. Returns the digest of its manifest."""
    document = metadata(chart)
    packed = archive(chart)
    layout = Layout(folder)
    config = layout.blob(json.dumps(document, sort_keys=True, default=str).encode(), CONFIG_TYPE)
    content = layout.blob(packed, CONTENT_TYPE)
    annotations = {
        "org.opencontainers.image.title": str(document["name"]),
        "org.opencontainers.image.version": str(document["version"]),
        "org.opencontainers.image.description": str(document.get("description", "")),
    }
    return layout.manifest(config, [content], {name: value for name, value in annotations.items() if value})
