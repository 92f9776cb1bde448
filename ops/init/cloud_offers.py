"""What the cloud has that a stack file must name: asked through preflight, in the words of the questions."""

import os
import re
from typing import Final

from preflight import clouds_file
from preflight.checks.images import AMD64
from preflight.cloud import Cloud, Flavor, Image

#: Names of cloud images, with the system's version: debian-12-genericcloud-amd64, Ubuntu 24.04.
_SYSTEM: Final = re.compile(r"(?P<system>debian|ubuntu)[^0-9]{0,12}(?P<version>[0-9]{2}(\.[0-9]{2})?)?")
#: Releases that images are named after as well (jammy-server-cloudimg).
_RELEASES: Final = {
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
    "jammy": ("ubuntu", "22.04"),
    "noble": ("ubuntu", "24.04"),
}
_OTHER_ARCHITECTURE: Final = re.compile(r"arm64|aarch64|ppc64|s390x|riscv")


def system(image_name: str) -> tuple[str, str]:
    """The system and version in an image's name, such as ("debian", "12"); empty where the name has none."""
    lower = image_name.lower()
    for release, found in _RELEASES.items():
        if release in lower:
            return found
    match = _SYSTEM.search(lower)
    return (match["system"], match["version"] or "") if match else ("", "")


def _can_start(image: Image) -> bool:
    """Whether a machine can start from the image: Debian or Ubuntu, for the machines' architecture."""
    is_other = image.architecture not in AMD64 or _OTHER_ARCHITECTURE.search(image.name.lower())
    return image.status == "active" and bool(system(image.name)[0]) and not is_other


def image_candidates(cloud: Cloud) -> list[Image]:
    """The images that a machine can start from, newest first; of several with one name only the newest."""
    newest: dict[str, Image] = {}
    for image in sorted(filter(_can_start, cloud.images or ()), key=lambda image: image.created, reverse=True):
        newest.setdefault(image.name, image)
    return list(newest.values())


def fitting_flavors(cloud: Cloud, vcpus: int, ram_mib: int, disk_gib: int, image_name: str) -> list[Flavor]:
    """The flavors that are large enough for a role and for the image, smallest first.

    Those without a disk of their own come last: nova lets only administrators use them by default (zero_disk_flavor).
    """
    image = next((image for image in cloud.images or () if image.name == image_name), None)
    disk, ram = (max(disk_gib, image.disk_gib), max(ram_mib, image.ram_mib)) if image else (disk_gib, ram_mib)
    fitting = [
        flavor
        for flavor in cloud.flavors or ()
        if flavor.vcpus >= vcpus and flavor.ram_mib >= ram and (flavor.disk_gib == 0 or flavor.disk_gib >= disk)
    ]
    return sorted(fitting, key=lambda own: (own.disk_gib == 0, own.ram_mib, own.vcpus, own.disk_gib, own.name))


def describe(flavor: Flavor) -> str:
    """Its size in a few words."""
    disk = f", {flavor.disk_gib} GiB disk" if flavor.disk_gib else ""
    return f"{flavor.vcpus} vCPU, {flavor.ram_mib / 1024:.3g} GiB memory{disk}"


def clouds_to_choose() -> list[str]:
    """Clouds of clouds.yaml, when nothing says yet which of them."""
    return [] if os.environ.get("OS_CLOUD") or os.environ.get("OS_AUTH_URL") else clouds_file.names()
