"""What every bundle holds, whatever its role: scripts, names, proxy, apt sources, kernel values, the metadata guard."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from machines.common.bundle import CONVERGE, File
from machines.parts import AptRepository, Base, Packages, Proxy
from machines.common.templates import read_script, read_unit, render_template

#: Debian packages that every role's scripts call.
COMMON_PACKAGES: Final = ("ca-certificates", "curl", "iproute2", "iputils-ping", "jq", "kmod", "nftables", "procps")

#: Debian packages of each role, beside those with a version of their own.
BALANCER_PACKAGES: Final = ("haproxy",)
GATEWAY_PACKAGES: Final = (*BALANCER_PACKAGES, "keepalived")
NODE_PACKAGES: Final = ("conntrack", "containerd", "ebtables", "ethtool", "ipset", "iptables", "runc", "socat")

#: What a setting of the scripts may be: a word, or the words of an array.
Settings = Mapping[str, str | Sequence[str]]


def role_packages(
    packages: Packages, *, gateway: bool = False, etcd: bool = False, node: bool = False, balancer: bool = False
) -> list[str]:
    """The packages that a role needs, as `name` or `name=version`, in a stable order."""
    wanted = list(COMMON_PACKAGES)
    debian = (
        *(GATEWAY_PACKAGES if gateway else BALANCER_PACKAGES if balancer else ()),
        *(NODE_PACKAGES if node else ()),
    )
    wanted += [f"{name}={packages.pins[name]}" if name in packages.pins else name for name in debian]
    if node:
        wanted += [f"{name}={packages.kubernetes}" for name in ("kubeadm", "kubectl", "kubelet")]
        wanted.append(f"kubernetes-cni={packages.cni_plugins}")
    if etcd:
        wanted.append(f"etcd={packages.etcd}")
    return wanted


def scripts(converge: str, *parts: str) -> list[File]:
    """The role's script as `converge`, and the parts that it sources or calls, each under its own name."""
    return [
        File(CONVERGE, read_script(converge), 0o755),
        *(script_file(name) for name in ("common/lib.sh", "common/services.sh", *parts)),
    ]


def script_file(path: str, mode: int = 0o644) -> File:
    """The script at `path` below machines/; on the machine the folders of all roles are one."""
    return File(PurePosixPath(path).name, read_script(path), mode)


def package_files(packages: Packages) -> list[File]:
    """The apt sources. A file without lines means that there shall be none of ours."""
    return [
        script_file("common/no-start.sh"),
        _apt_list("debian", packages.debian),
        _apt_list("packages", packages.repositories),
    ]


def package_settings(packages: Packages, wanted: Iterable[str]) -> dict[str, str | Sequence[str]]:
    """The settings that packages.sh reads."""
    repositories = (*packages.debian, *packages.repositories)
    return {
        "PACKAGES": list(wanted),
        "APT_KEYS": [f"{_key_path(entry)} {entry.key_url}" for entry in repositories if entry.key_url],
        "ETCD_ARCHIVES": [f"{each.architecture} {each.sha256} {each.url}" for each in packages.etcd_archives],
    }


def machine_files(
    base: Base, kernel_values: Sequence[str] = (), kernel_modules: Sequence[str] = (), *, gateway: bool = False
) -> list[File]:
    """The files that machine.sh puts in place on every machine, but for the firewall's table."""
    variables = proxy_variables(base.proxy)
    return [
        *package_files(base.packages),
        File("files/hosts", render_template("common/hosts.j2", hosts=base.hosts)),
        File("files/environment", render_template("common/environment.j2", variables=variables)),
        File("files/apt-proxy.conf", _apt_proxy(base.proxy)),
        File("files/sshd.conf", render_template("common/sshd.conf.j2", gateway=gateway)),
        File("files/journald.conf", render_template("common/journald.conf.j2")),
        File("files/sysctl.conf", render_template("common/sysctl.conf.j2", values=kernel_values) if kernel_values else ""),
        File("files/modules.conf", render_template("common/lines.j2", lines=kernel_modules)),
        File("files/openstack-paas-firewall.service", read_unit("common/firewall.service")),
    ]


def machine_settings(
    base: Base,
    wanted: Iterable[str],
    kernel_values: Sequence[str] = (),
    kernel_modules: Sequence[str] = (),
) -> dict[str, str | Sequence[str]]:
    """The settings that the scripts of every role read."""
    return {
        "NAME": base.name,
        "ADDRESS": base.address,
        **package_settings(base.packages, wanted),
        "EPOCH": base.epoch,
        "KERNEL_VALUES": list(kernel_values),
        "KERNEL_MODULES": list(kernel_modules),
    }


def settings_file(settings: Settings) -> File:
    """The settings as a file that the scripts source."""
    return File("settings.sh", render_template("common/settings.sh.j2", settings=settings))


def metadata_firewall(base: Base) -> File:
    """The table of a machine that needs no other guard than that of the metadata address."""
    return File("files/firewall.nft", render_template("common/firewall.nft.j2", metadata_open=base.metadata_open))


def proxy_variables(proxy: Proxy) -> dict[str, str]:
    """The environment variables of a proxy, in both spellings, for programs differ in which they read."""
    if not proxy.http and not proxy.https:
        return {}
    values = {"http_proxy": proxy.http, "https_proxy": proxy.https, "no_proxy": ",".join(proxy.no_proxy)}
    pairs = [(name, value) for name, value in values.items() if value]
    return dict(pairs) | {name.upper(): value for name, value in pairs}


def _apt_proxy(proxy: Proxy) -> str:
    """apt's own proxy settings; hosts that are named in full go without."""
    if not proxy.http and not proxy.https:
        return ""
    direct = [host for host in proxy.no_proxy if host and "/" not in host and not host.startswith((".", "*"))]
    return render_template("common/apt-proxy.conf.j2", http=proxy.http, https=proxy.https, direct=direct)


def _key_path(repository: AptRepository) -> str:
    """Where a signing key lies: another URL is another file, so it is fetched once."""
    digest = hashlib.sha256(repository.key_url.encode()).hexdigest()[:12]
    suffix = "gpg" if repository.key_url.endswith(".gpg") else "asc"
    return f"/etc/apt/keyrings/openstack-paas-{digest}.{suffix}"


def _apt_list(name: str, repositories: Sequence[AptRepository]) -> File:
    """An apt source list. A source without a key is a closed site's mirror, which may also be frozen in time."""
    entries = [
        {
            "repository": repository,
            "options": f"signed-by={_key_path(repository)}"
            if repository.key_url
            else "trusted=yes check-valid-until=no",
        }
        for repository in repositories
    ]
    return File(f"files/{name}.list", render_template("common/apt.list.j2", entries=entries))
