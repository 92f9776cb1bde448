"""Makes the machine images: a plain Debian, and the same with the platform's install step already run.

`debian-12` is what a Debian cloud image is. `debian-12-kubernetes` is that image after the platform's own installation:
a machine from either ends up the same, from the second one sooner. Needs root and the mirror's daemons and content.
"""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from agent.roles import image
from dev.lab.command import LongTask, Say
from dev.lab.image.sources import sources_of
from dev.lab.mirror.apt_repository import COMPONENT, SUITE
from dev.lab.mirror.content import KUBERNETES
from dev.lab.mirror.debian_package import product_of
from dev.lab.mirror.packages import all_packages
from dev.lab.mirror.product import MIRROR_PLACES, Places, content_key, key_of, lock, replacing
from dev.lab.mirror.programs import brought_by
from dev.lab.mirror.root_filesystem import mmdebstrap, source_lines
from dev.lab.places import CACHE
from machines.common.agent_archive import agent_archive
from machines.common.agent_command import AgentCommand
from machines.common.packages import COPY_PACKAGES, desired_packages, role_packages
from machines.kubernetes.containerd import desired_containerd

if TYPE_CHECKING:
    from settings.platform_settings import PlatformSettings

PLAIN = "debian-12"
BAKED = "debian-12-kubernetes"

_IMAGES = CACHE / "images"
_HERE = Path(__file__).parent
_IMAGE_FILE = "image.tar"
_LIMIT_SECONDS = 900.0
#: What a Debian cloud image has and the platform relies on, without what only a machine with its own kernel needs.
_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "udev", "init", "kmod", "procps", "mount", "util-linux", "e2fsprogs"),
    *("cloud-init", "python3-netifaces", "openssh-server", "sudo", "ca-certificates", "curl", "gpg", "less", "netbase"),
    *("ifupdown", "isc-dhcp-client", "iproute2", "iputils-ping"),
)
#: Registries whose images the mirror has, under the same paths.
_REGISTRIES = ("registry.k8s.io", "docker.io", "quay.io", "ghcr.io")


def ensure(say: Say) -> dict[str, Path]:
    """Makes the images that are missing or out of date. Returns the paths of all images by name."""
    with lock(_IMAGES, say):
        _make_plain(say)
        _make_baked(say)
    return {name: _IMAGES / name / _IMAGE_FILE for name in (PLAIN, BAKED)}


def _make_plain(say: Say) -> None:
    ours = (_HERE / "customize.sh", _HERE / "files", _HERE / "pack.sh")
    key = content_key(*_PACKAGES, *source_lines(MIRROR_PLACES.apt_proxy), *ours)
    if key_of(_IMAGES / PLAIN) == key:
        return
    task = _task(PLAIN, say)
    say(f"{task.title}: installing {len(_PACKAGES)} packages and their dependencies")
    options = ("--format=directory", "--skip=check/empty", f"--customize-hook={_HERE / 'customize.sh'}")
    with replacing(_IMAGES / PLAIN, key) as fresh:
        mmdebstrap(task, MIRROR_PLACES, "minbase", _PACKAGES, fresh / "root", *options)
        _pack(task, fresh)


def _make_baked(say: Say) -> None:
    install = install_command(MIRROR_PLACES, KUBERNETES)
    # The packages themselves count too: they may have been rebuilt at the same version.
    packages = all_packages(MIRROR_PLACES, (KUBERNETES,))
    keys = [key_of(product_of(package, MIRROR_PLACES.packages)) for package in packages]
    # Of the agent only what installs: each change of anything else in it would bake for minutes.
    ours = (*sources_of("agent.roles.image"), _HERE / "bake.sh")
    key = content_key(key_of(_IMAGES / PLAIN), install.standard_input(), *ours, *keys)
    if key_of(_IMAGES / BAKED) == key:
        return
    task = _task(BAKED, say)
    say(f"{task.title}: running the agent in {PLAIN}")
    with replacing(_IMAGES / BAKED, key) as fresh:
        root = fresh / "root"
        root.mkdir()
        unpack = ("tar", "--extract", "--numeric-owner", "--xattrs", "--xattrs-include=*")
        task.run(*unpack, f"--file={_IMAGES / PLAIN / _IMAGE_FILE}", f"--directory={root}")
        bake = root / "root" / "bake"
        bake.mkdir(mode=0o700)
        (bake / "agent.pyz").write_bytes(agent_archive())
        (bake / "input").write_text(install.standard_input())
        task.run(_HERE / "bake.sh", root, str(install.limit_seconds))
        # Machines have an agent and a desired state of their own.
        shutil.rmtree(root / "opt" / "openstack-paas")
        _pack(task, fresh)


def _task(image: str, say: Say) -> LongTask:
    return LongTask(f"image {image}", MIRROR_PLACES.logs / f"image-{image}.log", say, _LIMIT_SECONDS)


def _pack(task: LongTask, product: Path) -> None:
    """Packs the product's folder `root` as the image's tar and deletes the folder."""
    target = product / _IMAGE_FILE
    task.run(_HERE / "pack.sh", product / "root", target)
    shutil.rmtree(product / "root")
    task.say(f"{task.title}: {target.stat().st_size / 1e6:.0f} MB")


def install_command(places: Places, kubernetes: str) -> AgentCommand:
    """Installs everything from this mirror, so that a machine of the image installs nothing.

    No container images: the lab's machines keep /var/lib/containerd in a folder of their own, outside the image.
    """
    settings = _settings(places, kubernetes)
    wanted = [*role_packages(settings, gateway=True, etcd=True, node=True), *COPY_PACKAGES]
    state = image.State(desired_packages(settings, wanted), desired_containerd(settings))
    return AgentCommand("image", state, limit_seconds=1800)


def _settings(places: Places, kubernetes: str) -> "PlatformSettings":
    """What an installation reads of a stack's settings. Debian's own Python runs this and cannot read them all."""

    def source(uri: str, suite: str, component: str) -> SimpleNamespace:
        return SimpleNamespace(uri=uri, suite=suite, components=(component,), key_url=None)

    mirrors = SimpleNamespace(
        debian=tuple(source(*line.split()[1:]) for line in source_lines(places.apt_proxy)),
        kubernetes=source(f"{places.web}/apt", SUITE, COMPONENT),
        images={registry: f"http://{places.registry}" for registry in _REGISTRIES},
        files=f"{places.web}/files",
    )
    brought = brought_by(kubernetes)
    settings = SimpleNamespace(
        kubernetes=SimpleNamespace(version=kubernetes, image_repository="registry.k8s.io"),
        brought=brought,
        etcd=SimpleNamespace(sha256={}),
        etcd_version=brought.etcd,
        maintenance=SimpleNamespace(packages={}, epoch=""),
        mirrors=mirrors,
    )
    return cast("PlatformSettings", settings)
