"""Packs a Helm chart in the OCI form that `helm pull oci://` and the Helm SDK read."""

import gzip
import json
from pathlib import Path
from typing import Any

from dev.errors import DevError
from dev.lab.mirror.oci import Entry, Layout, pack

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


def archive(chart: Path) -> bytes:
    """The chart as `helm package` packs it, but with the same bytes each time."""
    name, first = metadata(chart)["name"], chart / "Chart.yaml"
    files = [first, *sorted(path for path in chart.rglob("*") if path.is_file() and path != first)]
    entries = [Entry(f"{name}/{path.relative_to(chart).as_posix()}", 0o644, path) for path in files]
    return gzip.compress(pack(entries), mtime=0)


def write(chart: Path, folder: Path) -> str:
    """Writes the chart as an OCI layout into an empty folder. Returns the digest of its manifest."""
    document = metadata(chart)
    layout = Layout(folder)
    config = layout.blob(json.dumps(document, sort_keys=True, default=str).encode(), CONFIG_TYPE)
    content = layout.blob(archive(chart), CONTENT_TYPE)
    fields = {"title": "name", "version": "version", "description": "description"}
    texts = {name: str(document.get(field, "")) for name, field in fields.items()}
    annotations = {f"org.opencontainers.image.{name}": text for name, text in texts.items() if text}
    return layout.manifest(config, [content], annotations)
