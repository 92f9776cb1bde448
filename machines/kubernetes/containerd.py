"""containerd's own configuration, the same in a baked image and on a machine."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agent.kubernetes.containerd import ContainerdSettings, Registry
from machines.common.templates import render_template

if TYPE_CHECKING:
    # Not when it runs: the lab bakes its images with Debian's own Python, which has no pydantic.
    from settings.platform_settings import PlatformSettings


def desired_containerd(settings: "PlatformSettings", proxy: str | None = None) -> ContainerdSettings:
    """containerd's desired state. `proxy` is the drop-in of its unit: empty without a proxy, None for an image."""
    pause_image = f"{settings.kubernetes.image_repository}/pause:{settings.brought.pause}"
    registries = [
        Registry(
            registry,
            render_template(
                "kubernetes/registry-hosts.toml.j2",
                registry=registry,
                mirror=mirror,
                has_path=urlsplit(mirror).path.strip("/") != "",
            ),
        )
        for registry, mirror in sorted(settings.mirrors.images.items())
    ]
    configuration = render_template("kubernetes/containerd.toml.j2", pause_image=pause_image)
    return ContainerdSettings(configuration, tuple(registries), proxy)
