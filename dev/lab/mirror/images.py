"""The container images of the mirror, under their upstream paths: what each contains and runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.lab.mirror.compile import folder_of, pause_folder
from dev.lab.mirror.oci import Entry, Layout, image_config, layer_tar
from dev.lab.mirror.product import Places, content_key, identity, key_of, replacing
from dev.lab.mirror.programs import FLANNEL, LOCAL_PATH_PROVISIONER, brought_by, coredns, kubernetes
from dev.lab.mirror.root_filesystem import BUSYBOX, IPTABLES, MARIADB, RootFilesystem
from settings import versions

_MARIADB_ENTRYPOINT = Path(__file__).parent / "images" / "mariadb" / "docker-entrypoint.sh"
_PASSWD = b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65535:65535::/:/sbin/nologin\n"
#: What every image without a base needs: accounts and a folder for temporary files.
_MINIMUM = (Entry("/etc/passwd", 0o644, _PASSWD), Entry("/tmp", 0o1777))


@dataclass(frozen=True)
class ContainerImage:
    """`programs` maps paths in the image to files of this host (mode 0755). They go on top of `base`, if given."""

    name: str
    tag: str
    config: Mapping[str, Any]
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
        base = key_of(self.base.folder(places)) if self.base else "empty"
        return content_key(repr(self.config), base, *programs)


def _kubernetes_images(places: Places, version: str) -> list[ContainerImage]:
    brought = brought_by(version)

    def program(name: str, base: RootFilesystem | None = None) -> ContainerImage:
        """Static pods name their program and its options, so these images have a command and no entrypoint."""
        files = {f"/usr/local/bin/{name}": folder_of(places, kubernetes(version)) / name}
        return ContainerImage(name, f"v{version}", image_config(Cmd=[name]), files, base)

    coredns_files = {"/coredns": folder_of(places, coredns(brought.coredns.removeprefix("v"))) / "coredns"}
    coredns_config = image_config(Entrypoint=["/coredns"], WorkingDir="/", ExposedPorts={"53/udp": {}, "53/tcp": {}})
    pause_files = {"/pause": pause_folder(places, brought.pause) / "pause"}
    return [
        *map(program, ("kube-apiserver", "kube-controller-manager", "kube-scheduler")),
        program("kube-proxy", IPTABLES),
        ContainerImage("coredns/coredns", brought.coredns, coredns_config, coredns_files),
        ContainerImage("pause", brought.pause, image_config(Entrypoint=["/pause"], User="65535:65535"), pause_files),
    ]


def _addon_images(places: Places) -> list[ContainerImage]:
    flannel_config = image_config(Entrypoint=["/opt/bin/flanneld"])
    flanneld = {"/opt/bin/flanneld": folder_of(places, FLANNEL) / "flanneld"}
    name, version = LOCAL_PATH_PROVISIONER.name, f"v{LOCAL_PATH_PROVISIONER.version}"
    provisioner = {f"/usr/bin/{name}": folder_of(places, LOCAL_PATH_PROVISIONER) / name}
    mariadb_files = {"/usr/local/bin/docker-entrypoint.sh": _MARIADB_ENTRYPOINT}
    mariadb_config = image_config(
        "LANG=C.UTF-8",
        Entrypoint=["docker-entrypoint.sh"],
        Cmd=["mariadbd"],
        Volumes={"/var/lib/mysql": {}},
        ExposedPorts={"3306/tcp": {}},
    )
    return [
        ContainerImage("flannel/flanneld", versions.FLANNEL, flannel_config, flanneld, IPTABLES),
        ContainerImage(f"rancher/{name}", version, image_config(Entrypoint=[name]), provisioner),
        ContainerImage("library/busybox", versions.BUSYBOX, image_config(Cmd=["sh"]), {}, BUSYBOX),
        ContainerImage("library/mariadb", versions.MARIADB, mariadb_config, mariadb_files, MARIADB),
    ]


def all_images(places: Places, kubernetes_versions: tuple[str, ...]) -> list[ContainerImage]:
    """Every image that these Kubernetes releases and the addons use."""
    images = [image for version in kubernetes_versions for image in _kubernetes_images(places, version)]
    return list({image.reference: image for image in [*images, *_addon_images(places)]}.values())


def write(places: Places, image: ContainerImage) -> None:
    """Writes the image's layout if it is missing or out of date."""
    key = image.key(places)
    if key_of(image.folder(places)) == key:
        return
    entries = [Entry(path, 0o755, file) for path, file in image.programs.items()]
    tars = [(image.base.folder(places) / "rootfs.tar").read_bytes()] if image.base else []
    entries += () if image.base else _MINIMUM
    if entries:
        tars.append(layer_tar(entries))
    with replacing(image.folder(places), key) as folder:
        Layout(folder).image(tars, image.config)
