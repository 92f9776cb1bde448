"""Makes the machine images: a plain Debian, and the same with the platform's install step already run.

`debian-12` is what a Debian cloud image is. `debian-12-kubernetes` is that image after the platform's own installation:
a machine from either ends up the same, from the second one sooner. Needs root and the mirror's daemons and content.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from dev.lab.image.install import install_bundle
from dev.lab.mirror.content import KUBERNETES
from dev.lab.mirror.debian_package import product_of
from dev.lab.mirror.debian_sources import SUITE, source_lines
from dev.lab.mirror.long_command import Progress, run
from dev.lab.mirror.packages import all_packages
from dev.lab.mirror.places import MIRROR_PLACES, Places
from dev.lab.mirror.product import content_key, key_of, lock, replacing
from dev.lab.mirror.root_filesystem import build_environment
from dev.lab.places import CACHE

PLAIN = "debian-12"
BAKED = "debian-12-kubernetes"

_HERE = Path(__file__).parent
_IMAGE_FILE = "image.tar"
_LIMIT_SECONDS = 900.0
#: What a Debian cloud image has and the platform relies on, without what only a machine with its own kernel needs.
_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "init", "kmod", "procps", "mount", "util-linux", "e2fsprogs"),
    *("cloud-init", "python3-netifaces", "openssh-server", "sudo", "ca-certificates", "curl", "gpg", "less", "netbase"),
    *("ifupdown", "isc-dhcp-client", "iproute2", "iputils-ping"),
)


def ensure(progress: Progress, places: Places = MIRROR_PLACES, folder: Path = CACHE / "images") -> dict[str, Path]:
    """Makes the images that are missing or out of date. Returns the paths of all images by name."""
    with lock(folder, progress):
        plain = _plain(places, folder, progress)
        baked = _baked(places, folder, plain, progress)
    return {PLAIN: plain / _IMAGE_FILE, BAKED: baked / _IMAGE_FILE}


def _plain(places: Places, folder: Path, progress: Progress) -> Path:
    product = folder / PLAIN
    ours = (_HERE / "customize.sh", _HERE / "files", _HERE / "pack.sh")
    key = content_key(*_PACKAGES, *source_lines(places.apt_proxy), *ours)
    if key_of(product) == key:
        return product
    title = f"image {PLAIN}"
    progress(f"{title}: installing {len(_PACKAGES)} packages and their dependencies")
    log = places.logs / f"image-{PLAIN}.log"
    with replacing(product, key) as fresh:
        root = fresh / "root"
        run(
            title,
            [
                *("mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory", "--skip=check/empty"),
                *('--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io"),
                *(f"--include={','.join(_PACKAGES)}", f"--customize-hook={_HERE / 'customize.sh'}"),
                *(SUITE, str(root), *source_lines(places.apt_proxy)),
            ],
            log=log,
            progress=progress,
            limit_seconds=_LIMIT_SECONDS,
            environment=build_environment(places),
        )
        _pack(title, root, fresh, log, progress)
    return product


def _baked(places: Places, folder: Path, plain: Path, progress: Progress) -> Path:
    product = folder / BAKED
    bundle = install_bundle(places, KUBERNETES)
    # The packages themselves count too: they may have been rebuilt at the same version.
    packages = all_packages(places, (KUBERNETES,))
    keys = [key_of(product_of(package, places.packages)) for package in packages]
    key = content_key(key_of(plain), bundle.script(), bundle.archive(), _HERE / "bake.sh", *keys)
    if key_of(product) == key:
        return product
    title = f"image {BAKED}"
    progress(f"{title}: running the install bundle in {PLAIN}")
    log = places.logs / f"image-{BAKED}.log"
    with replacing(product, key) as fresh:
        root = fresh / "root"
        root.mkdir()
        unpack = ("tar", "--extract", "--numeric-owner", "--xattrs", "--xattrs-include=*")
        run(
            title,
            [*unpack, f"--file={plain / _IMAGE_FILE}", f"--directory={root}"],
            log=log,
            progress=progress,
            limit_seconds=_LIMIT_SECONDS,
        )
        bake = root / "root" / "bake"
        bake.mkdir(mode=0o700)
        (bake / "script").write_text(bundle.script())
        (bake / "input").write_text(bundle.archive())
        run(title, [_HERE / "bake.sh", root], log=log, progress=progress, limit_seconds=_LIMIT_SECONDS)
        _pack(title, root, fresh, log, progress)
    return product


def _pack(title: str, root: Path, product: Path, log: Path, progress: Progress) -> None:
    """Packs the folder `root` as the image's tar and deletes it."""
    target = product / _IMAGE_FILE
    run(title, [_HERE / "pack.sh", root, target], log=log, progress=progress, limit_seconds=_LIMIT_SECONDS)
    shutil.rmtree(root)
    progress(f"{title}: {target.stat().st_size / 1e6:.0f} MB")
