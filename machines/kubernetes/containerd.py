"""containerd's own configuration, the same in a baked image and on a machine."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from machines.common.bundle import File
from machines.common.templates import render_template

if TYPE_CHECKING:
    # Not when it runs: the lab bakes its images with Debian's own Python, which has no pydantic.
    from settings.platform_settings import PlatformSettings


def containerd_files(settings: "PlatformSettings") -> list[File]:
    """containerd's configuration and one hosts.toml for each registry that has a mirror."""
    pause_image = f"{settings.kubernetes.image_repository}/pause:{settings.brought.pause}"
    toml = render_template("kubernetes/containerd.toml.j2", pause_image=pause_image)
    files = [File("files/containerd.toml", toml)]
    for registry, mirror in sorted(settings.mirrors.images.items()):
        has_path = urlsplit(mirror).path.strip("/") != ""
        content = render_template(
            "kubernetes/registry-hosts.toml.j2", registry=registry, mirror=mirror, has_path=has_path
        )
        files.append(File(f"files/registries/{registry}", content))
    return files
