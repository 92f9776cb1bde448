"""Root filesystems made of Debian packages, as tars: the lower layers of images that need more than one program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dev.lab.mirror.debian_sources import SUITE, source_lines
from dev.lab.mirror.long_command import Progress, run
from dev.lab.mirror.places import Places
from dev.lab.mirror.product import EPOCH_SECONDS, content_key, key_of, replacing

_IMAGES = Path(__file__).parent / "images"
_LIMIT_SECONDS = 600.0
#: The last hook of each variant that can run our script.
_LAST_HOOK = {"extract": "extract", "essential": "customize"}
#: Files that no container reads.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*")


@dataclass(frozen=True)
class RootFilesystem:
    """`variant` is mmdebstrap's: `extract` only unpacks these packages; `essential` adds them to a small Debian.

    `customize` is a script. Its argument is the folder of the finished filesystem.
    """

    name: str
    variant: str
    packages: tuple[str, ...]
    customize: Path | None = None

    def key(self) -> str:
        """A key that changes when the filesystem has to be made again. Debian's updates do not change it."""
        scripts = [self.customize] if self.customize else []
        return content_key(self.variant, *self.packages, *scripts, *_LEFT_OUT)


#: iptables over nftables, as on the machines. kube-proxy and flannel call it.
IPTABLES = RootFilesystem(
    name="iptables",
    variant="extract",
    packages=("iptables", "conntrack", "kmod"),
    customize=_IMAGES / "iptables" / "customize.sh",
)
BUSYBOX = RootFilesystem(
    name="busybox",
    variant="extract",
    packages=("busybox-static",),
    customize=_IMAGES / "busybox" / "customize.sh",
)
MARIADB = RootFilesystem(
    name="mariadb",
    variant="essential",
    packages=("mariadb-server-core", "mariadb-client", "mariadb-backup", "socat", "tzdata", "zstd"),
    customize=_IMAGES / "mariadb" / "customize.sh",
)


def folder_of(places: Places, filesystem: RootFilesystem) -> Path:
    """The folder of the product with the tar."""
    return places.root_filesystems / filesystem.name


def tar_of(places: Places, filesystem: RootFilesystem) -> Path:
    """The path of the tar."""
    return folder_of(places, filesystem) / "rootfs.tar"


def make(places: Places, filesystem: RootFilesystem, progress: Progress) -> None:
    """Makes the tar if it is missing or out of date. Needs root and the mirror's apt proxy."""
    key = filesystem.key()
    if key_of(folder_of(places, filesystem)) == key:
        return
    progress(f"root filesystem {filesystem.name}: installing {', '.join(filesystem.packages)}")
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT]
    if filesystem.customize:
        options.append(f"--{_LAST_HOOK[filesystem.variant]}-hook={filesystem.customize}")
    with replacing(folder_of(places, filesystem), key) as folder:
        run(
            f"root filesystem {filesystem.name}",
            [
                *("mmdebstrap", f"--variant={filesystem.variant}", "--mode=root", "--format=tar"),
                *('--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io", "--skip=output/dev,check/empty"),
                *(f"--include={','.join(filesystem.packages)}", *options),
                *(SUITE, str(folder / "rootfs.tar"), *source_lines(places.apt_proxy)),
            ],
            log=places.logs / f"rootfs-{filesystem.name}.log",
            progress=progress,
            limit_seconds=_LIMIT_SECONDS,
            environment=build_environment(places),
        )


def build_environment(places: Places) -> dict[str, str]:
    """The environment of mmdebstrap: nothing of the caller's, temporary files on disk, a fixed time stamp."""
    temporary = places.root / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    temporary.chmod(0o1777)
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(temporary),
        "SOURCE_DATE_EPOCH": str(EPOCH_SECONDS),
    }
