"""A cloud for the tests of `paas init`, and its answers."""

from collections.abc import Mapping
from typing import Any

from ops.init.answers import by_default, collect
from ops.init.stack_file import make_keys
from preflight.cloud import Cloud, Flavor, Image, Network


def image(name: str, created: str, disk_gib: float = 2, status: str = "active", architecture: str = "") -> Image:
    return Image(name, name, status, disk_gib, 512, created, architecture)


CLOUD = Cloud(
    flavors=(
        Flavor("1", "tiny", 1, 512, 1),
        Flavor("2", "thin.disk", 4, 8192, 1),
        Flavor("3", "small", 1, 2048, 20),
        Flavor("4", "medium", 2, 4096, 40),
        Flavor("5", "large", 4, 8192, 80),
        Flavor("6", "volume", 2, 4096, 0),
    ),
    images=(
        image("debian-11", "2021-10-01T00:00:00Z"),
        image("Debian 12 (bookworm)", "2025-01-01T00:00:00Z"),
        image("debian-12-genericcloud-amd64", "2025-06-01T00:00:00Z"),
        image("debian-12-genericcloud-arm64", "2025-07-01T00:00:00Z"),
        image("debian-12-old", "2025-08-01T00:00:00Z", status="deactivated"),
        image("noble-server-cloudimg", "2025-09-01T00:00:00Z"),
        image("cirros", "2025-10-01T00:00:00Z"),
        image("debian-12-power", "2025-11-01T00:00:00Z", architecture="ppc64le"),
    ),
    networks=(Network("a", "internet", external=True), Network("b", "mine"), Network("c", "public", external=True)),
    zones=("east", "west"),
)


def answered(
    cluster_name: str = "", sources: Mapping[str, Any] | None = None, cloud: Cloud = CLOUD, **given: str
) -> dict[str, Any]:
    """The keys of a stack file: `given` as by flags, the defaults of everything else."""
    return make_keys(collect(cloud, "trial", given, by_default), cluster_name, sources=sources)
