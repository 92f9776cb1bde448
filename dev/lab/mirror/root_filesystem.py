"""Root filesystems made of Debian packages, as tars: the lower layers of images that need more than one program."""

from dataclasses import dataclass
from pathlib import Path

from dev.lab.command import LongTask, Say
from dev.lab.mirror.product import EPOCH_SECONDS, Places, content_key, key_of, replacing

#: Debian's release, in images and on machines.
SUITE = "bookworm"
_LIMIT_SECONDS = 600.0
#: The last hook of each variant that can run our script.
_LAST_HOOK = {"extract": "extract", "essential": "customize"}
#: Files that no container reads.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/usr/share/lintian/*")


@dataclass(frozen=True)
class RootFilesystem:
    """`variant` is mmdebstrap's: `extract` only unpacks these packages; `essential` adds them to a small Debian."""

    name: str
    variant: str
    packages: tuple[str, ...]

    @property
    def customize(self) -> Path:
        """A script that gets the folder of the finished filesystem."""
        return Path(__file__).parent / "images" / self.name / "customize.sh"

    def key(self) -> str:
        """A key that changes when the filesystem has to be built again. Debian's updates do not change it."""
        return content_key(self.variant, *self.packages, self.customize, *_LEFT_OUT)

    def folder(self, places: Places) -> Path:
        """The folder of the product with the tar, `rootfs.tar`."""
        return places.root_filesystems / self.name


#: iptables over nftables, as on the machines. kube-proxy and flannel call it.
IPTABLES = RootFilesystem("iptables", "extract", ("iptables", "conntrack", "kmod"))
BUSYBOX = RootFilesystem("busybox", "extract", ("busybox-static",))
_MARIADB_PACKAGES = ("mariadb-server-core", "mariadb-client", "mariadb-backup", "socat", "tzdata", "zstd")
MARIADB = RootFilesystem("mariadb", "essential", _MARIADB_PACKAGES)


def make(places: Places, filesystem: RootFilesystem, say: Say) -> None:
    """Makes the tar if it is missing or out of date. Needs root and the mirror's apt proxy."""
    key, product = filesystem.key(), filesystem.folder(places)
    if key_of(product) == key:
        return
    title = f"root filesystem {filesystem.name}"
    say(f"{title}: installing {', '.join(filesystem.packages)}")
    task = LongTask(title, places.logs / f"rootfs-{filesystem.name}.log", say, _LIMIT_SECONDS)
    options = (
        *("--format=tar", "--skip=output/dev,check/empty", *(f"--dpkgopt=path-exclude={each}" for each in _LEFT_OUT)),
        f"--{_LAST_HOOK[filesystem.variant]}-hook={filesystem.customize}",
    )
    with replacing(product, key) as fresh:
        mmdebstrap(task, places, filesystem.variant, filesystem.packages, fresh / "rootfs.tar", *options)


def mmdebstrap(
    task: LongTask, places: Places, variant: str, packages: tuple[str, ...], target: Path, *options: str
) -> None:
    """Installs Debian packages from the mirror's apt proxy into a new root filesystem.

    The environment has nothing of the caller's, temporary files are on disk, and the time stamp is fixed.
    """
    temporary = places.root / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    temporary.chmod(0o1777)
    task.run(
        *("mmdebstrap", f"--variant={variant}", "--mode=root", "--dpkgopt=force-unsafe-io"),
        *('--aptopt=Acquire::Languages "none"', f"--include={','.join(packages)}", *options),
        *(SUITE, str(target), *source_lines(places.apt_proxy)),
        environment={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(temporary),
            "SOURCE_DATE_EPOCH": str(EPOCH_SECONDS),
        },
    )


def source_lines(apt_proxy: str) -> list[str]:
    """The apt sources of a machine or image that gets Debian from this proxy."""
    return [
        f"deb {apt_proxy}/debian {SUITE} main",
        f"deb {apt_proxy}/debian {SUITE}-updates main",
        f"deb {apt_proxy}/debian-security {SUITE}-security main",
    ]
