"""containerd's own configuration, the same in a baked image and on a machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from machines.common.bundle import File
from machines.specs import Containerd
from machines.common.templates import render_template


def containerd_files(containerd: Containerd) -> list[File]:
    """containerd's configuration and one hosts.toml for each registry that has a mirror."""
    files = [File("files/containerd.toml", render_template("kubernetes/containerd.toml.j2", pause_image=containerd.pause_image))]
    for registry, mirror in sorted(containerd.registries.items()):
        has_path = urlsplit(mirror).path.strip("/") != ""
        content = render_template("kubernetes/registry-hosts.toml.j2", registry=registry, mirror=mirror, has_path=has_path)
        files.append(File(f"files/registries/{registry}", content))
    return files
