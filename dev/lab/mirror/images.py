"""The container images of the mirror, under their upstream paths: what each contains and runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.lab.mirror import root_filesystem
from dev.lab.mirror.compile import folder_of, pause_folder
from dev.lab.mirror.oci import Entry, ImageConfig, Layout, layer_tar
from dev.lab.mirror.places import Places
from dev.lab.mirror.product import content_key, identity, key_of, replacing
from dev.lab.mirror.programs import brought_by, coredns, flannel, kubernetes, local_path_provisioner
from dev.lab.mirror.root_filesystem import RootFilesystem
from settings import versions

_FOLDER = Path(__file__).parent / "images"
_PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65535:65535::/:/sbin/nologin\n"
_ACCOUNTS = Entry("/etc/passwd", 0o644, text=_PASSWD)
_TEMPORARY = Entry("/tmp", 0o1777)


@dataclass(frozen=True)
class ContainerImage:
    """`programs` maps paths in the image to files of this host (mode 0755). They go on top of `base`, if given."""

    name: str
    tag: str
    config: ImageConfig
    programs: Mapping[str, Path]
    base: RootFilesystem | None = None

    @property
    def reference(self) -> str:
        """Name and tag."""
        return f"{self.name}:{self.tag}"

    def folder(self, places: Places) -> Path:
        """The folder of the image's OCI layout."""
        return places.images / self.reference.replace("/", "_").replace(":", "+")

    def key(self, places: Places) -> str:
        """A key that changes whenever the image would. Programs built here count by the key of their build."""
        programs = [f"{path} {identity(file)}" for path, file in sorted(self.programs.items())]
        base = key_of(root_filesystem.folder_of(places, self.base)) if self.base else "empty"
        return content_key(repr(self.config.document()), base, *programs)


def _kubernetes_images(places: Places, version: str) -> list[ContainerImage]:
    brought = brought_by(version)
    programs = folder_of(places, kubernetes(version))
    # Static pods name their program and its options, so these images have a command and no entrypoint.
    images = [
        ContainerImage(name, f"v{version}", ImageConfig(command=(name,)), {f"/usr/local/bin/{name}": programs / name})
        for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ]
    images.append(
        ContainerImage(
            "kube-proxy",
            f"v{version}",
            ImageConfig(command=("kube-proxy",)),
            {"/usr/local/bin/kube-proxy": programs / "kube-proxy"},
            base=root_filesystem.IPTABLES,
        )
    )
    images.append(
        ContainerImage(
            "coredns/coredns",
            brought.coredns,
            ImageConfig(entrypoint=("/coredns",), working_directory="/", ports=("53/udp", "53/tcp")),
            {"/coredns": folder_of(places, coredns(brought.coredns.removeprefix("v"))) / "coredns"},
        )
    )
    images.append(
        ContainerImage(
            "pause",
            brought.pause,
            ImageConfig(entrypoint=("/pause",), user="65535:65535"),
            {"/pause": pause_folder(places, brought.pause) / "pause"},
        )
    )
    return images


def _addon_images(places: Places) -> list[ContainerImage]:
    provisioner = folder_of(places, local_path_provisioner()) / "local-path-provisioner"
    return [
        ContainerImage(
            "flannel/flanneld",
            versions.FLANNEL,
            ImageConfig(entrypoint=("/opt/bin/flanneld",)),
            {"/opt/bin/flanneld": folder_of(places, flannel()) / "flanneld"},
            base=root_filesystem.IPTABLES,
        ),
        ContainerImage(
            "rancher/local-path-provisioner",
            f"v{versions.LOCAL_PATH_PROVISIONER}",
            ImageConfig(entrypoint=("local-path-provisioner",)),
            {"/usr/bin/local-path-provisioner": provisioner},
        ),
        ContainerImage(
            "library/busybox", versions.BUSYBOX, ImageConfig(command=("sh",)), {}, base=root_filesystem.BUSYBOX
        ),
        ContainerImage(
            "library/mariadb",
            versions.MARIADB,
            ImageConfig(
                entrypoint=("docker-entrypoint.sh",),
                command=("mariadbd",),
                environment=("LANG=C.UTF-8",),
                volumes=("/var/lib/mysql",),
                ports=("3306/tcp",),
            ),
            {"/usr/local/bin/docker-entrypoint.sh": _FOLDER / "mariadb" / "docker-entrypoint.sh"},
            base=root_filesystem.MARIADB,
        ),
    ]


def all_images(places: Places, kubernetes_versions: tuple[str, ...]) -> list[ContainerImage]:
    """Every image that these Kubernetes releases and the addons use."""
    images = [image for version in kubernetes_versions for image in _kubernetes_images(places, version)]
    images += _addon_images(places)
    return list({image.reference: image for image in images}.values())


def write(places: Places, image: ContainerImage) -> bool:
    """Writes the image's layout if it is missing or out of date. Returns whether it was written."""
    key = image.key(places)
    if key_of(image.folder(places)) == key:
        return False
    entries = [Entry(path, 0o755, file=file) for path, file in image.programs.items()]
    tars = []
    if image.base:
        tars.append(root_filesystem.tar_of(places, image.base).read_bytes())
    else:
        entries += [_ACCOUNTS, _TEMPORARY]
    if entries:
        tars.append(layer_tar(entries))
    with replacing(image.folder(places), key) as folder:
        Layout(folder).image(tars, image.config)
    return True
