"""Machine images in glance. Each is a tar of a root file system, uploaded when its content changed."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from dev.errors import DevError
from dev.lab import places
from dev.lab.cloud import Cloud
from dev.lab.command import run
from dev.lab.progress import Progress

CHECKSUMS = places.STATE / "image-checksums.json"
# Seconds allowed for the upload of one image, and the same again for unpacking it.
LIMIT = 300


def ensure_image(name: str, tar: Path, progress: Progress) -> None:
    """Make sure that the public image `name` has the content of the tar.

    An image with the right property `sha256` is left alone. Otherwise a new image takes the name and the old one is
    deleted. Machines made from the old image keep running on its unpacked files.
    """
    cloud = Cloud()
    if not tar.is_file():
        raise DevError(f"image {name}: {tar} does not exist")
    checksum = _checksum(tar)
    images: list[dict[str, Any]] = cloud.call("GET", "image", f"/images?name={name}")["images"]
    current = next((image for image in images if image.get("sha256") == checksum and image["status"] == "active"), None)
    if current is None:
        with progress.step(f"image {name} uploaded ({tar.stat().st_size / 2**20:.0f} MiB)"):
            current = _upload(cloud, name, tar, checksum)
    unpack(current["id"], tar, progress)
    for image in images:
        if image["id"] != current["id"]:
            cloud.call("DELETE", "image", f"/images/{image['id']}")
    remove_unused(cloud)


def _upload(cloud: Cloud, name: str, tar: Path, checksum: str) -> dict[str, Any]:
    kind = {"visibility": "public", "disk_format": "raw", "container_format": "bare"}
    image: dict[str, Any] = cloud.call("POST", "image", "/images", {"name": name, **kind, "sha256": checksum})
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(tar.stat().st_size)}
    with tar.open("rb") as file:
        cloud.call("PUT", "image", f"/images/{image['id']}/file", file, headers, LIMIT)
    return image


def unpack(image_id: str, tar: Path, progress: Progress) -> None:
    """Unpack the image where compute hosts look for it. Otherwise they would do so for its first machine."""
    folder = places.IMAGES / image_id
    if (folder / "rootfs").is_dir():
        return
    with progress.step("unpacked", quiet=True):
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "unpacking").mkdir(parents=True)
        attributes = ("--numeric-owner", "--xattrs", "--xattrs-include=*")
        run("tar", "-C", folder / "unpacking", *attributes, "-xf", tar, timeout=LIMIT)
        (folder / "unpacking").rename(folder / "rootfs")


def remove_unused(cloud: Cloud) -> None:
    """Remove unpacked images that glance no longer has and no machine uses."""
    known = {image["id"] for image in cloud.call("GET", "image", "/images?limit=500")["images"]}
    used = "".join(config.read_text(errors="replace") for config in places.INSTANCES.glob("*/*/config"))
    for folder in places.IMAGES.iterdir():
        if folder.name not in known and folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)


def _checksum(tar: Path) -> str:
    """The file's SHA-256, computed again only when its size or modification time changed."""
    about = tar.stat()
    key = f"{tar.resolve()} {about.st_size} {about.st_mtime_ns}"
    known: dict[str, str] = json.loads(CHECKSUMS.read_text()) if CHECKSUMS.exists() else {}
    if key not in known:
        with tar.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        known = {old: value for old, value in known.items() if Path(old.rsplit(" ", 2)[0]).exists()}
        CHECKSUMS.write_text(json.dumps(known, indent=1))
    return known[key]
