"""The mirror's Debian packages and apt repository."""

import gzip
import hashlib
import re
import subprocess
from pathlib import Path

import pytest

from dev.lab.mirror import apt_repository
from dev.lab.mirror.debian_package import Content, DebianPackage, make
from dev.lab.mirror.packages import all_packages
from dev.lab.mirror.product import Places
from settings import versions


def small_package(folder: Path, content: str = "#!/bin/sh\n") -> DebianPackage:
    """A package with a program, a configuration file and a script."""
    folder.mkdir(exist_ok=True)
    for name, text in {"tool": content, "tool.conf": "a=b\n", "postinst": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
    return DebianPackage(
        name="tool",
        version="1.2.3-1.1",
        summary="A tool",
        description="It does nothing.",
        section="admin",
        depends=("mount", "util-linux"),
        files={"/usr/bin/tool": Content(folder / "tool"), "/etc/tool.conf": Content(folder / "tool.conf", 0o644)},
        configuration_files=("/etc/tool.conf",),
        scripts={"postinst": folder / "postinst"},
    )


def dpkg_deb(*arguments: str | Path) -> str:
    """What dpkg-deb prints."""
    return subprocess.run(["dpkg-deb", *arguments], check=True, capture_output=True, text=True).stdout


def test_a_package_is_made_once_and_the_same_each_time(tmp_path: Path) -> None:
    one = make(small_package(tmp_path / "source"), tmp_path / "one")
    changed = one.stat().st_mtime_ns
    assert make(small_package(tmp_path / "source"), tmp_path / "two").read_bytes() == one.read_bytes()
    package = small_package(tmp_path / "source")
    assert make(package, tmp_path / "three") != one
    stable = make(package, tmp_path / "three").stat().st_mtime_ns
    assert make(package, tmp_path / "three").stat().st_mtime_ns == stable
    assert one.stat().st_mtime_ns == changed


def test_dpkg_reads_what_was_meant(tmp_path: Path) -> None:
    file = make(small_package(tmp_path / "source"), tmp_path / "made")
    assert file.name == "tool_1.2.3-1.1_amd64.deb"
    assert dpkg_deb("--field", file, "Depends").strip() == "mount, util-linux"
    assert dpkg_deb("--field", file, "Version").strip() == "1.2.3-1.1"
    listing = dpkg_deb("--contents", file)
    assert re.search(r"-rwxr-xr-x root/root .* \./usr/bin/tool\n", listing)
    assert re.search(r"-rw-r--r-- root/root .* \./etc/tool\.conf\n", listing)
    assert dpkg_deb("--info", file, "conffiles") == "/etc/tool.conf\n"
    assert dpkg_deb("--info", file, "postinst") == "#!/bin/sh\n"


def test_apt_index_describes_the_pool(tmp_path: Path) -> None:
    file = make(small_package(tmp_path / "source"), tmp_path / "made")
    repository = tmp_path / "apt"
    assert apt_repository.publish([file], repository)
    assert not apt_repository.publish([file], repository), "nothing changed"
    suite = repository / "dists" / "stable"
    index = (suite / "main" / "binary-amd64" / "Packages").read_bytes()
    fields = dict(line.split(": ", 1) for line in index.decode().splitlines() if ": " in line)
    content = (repository / fields["Filename"]).read_bytes()
    assert content == file.read_bytes()
    assert fields["SHA256"] == hashlib.sha256(content).hexdigest()
    assert fields["Size"] == str(len(content))
    assert gzip.decompress((suite / "main" / "binary-amd64" / "Packages.gz").read_bytes()) == index
    release = (suite / "Release").read_text()
    assert f" {hashlib.sha256(index).hexdigest()} {len(index)} main/binary-amd64/Packages\n" in release
    assert "Suite: stable\n" in release and "Components: main\n" in release


def test_a_package_made_anew_is_indexed_anew(tmp_path: Path) -> None:
    repository = tmp_path / "apt"
    apt_repository.publish([make(small_package(tmp_path / "source"), tmp_path / "made")], repository)
    before = (repository / "dists" / "stable" / "Release").read_bytes()
    assert apt_repository.publish(
        [make(small_package(tmp_path / "source", "#!/bin/sh\nexit 1\n"), tmp_path / "made")], repository
    )
    assert (repository / "dists" / "stable" / "Release").read_bytes() != before


@pytest.mark.parametrize("minor", versions.KUBERNETES)
def test_packages_have_upstreams_names_versions_and_places(tmp_path: Path, minor: str) -> None:
    kubernetes, brought = versions.KUBERNETES[minor].patch, versions.KUBERNETES[minor]
    packages = {package.name: package for package in all_packages(Places(tmp_path), (kubernetes,))}
    assert set(packages) == {"kubeadm", "kubectl", "kubelet", "kubernetes-cni", "etcd"}
    assert packages["kubelet"].version == f"{kubernetes}-1.1"
    assert packages["etcd"].version == f"{brought.etcd}-1.1"
    assert packages["kubernetes-cni"].version == f"{brought.cni_plugins}-1.1"
    assert "kubernetes-cni (>= 1.2.0)" in packages["kubelet"].depends
    assert "/usr/lib/systemd/system/kubelet.service" in packages["kubelet"].files
    assert "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf" in packages["kubeadm"].files
    assert "/opt/cni/bin/bridge" in packages["kubernetes-cni"].files


def test_a_package_is_the_same_from_every_checkout(tmp_path: Path) -> None:
    here, there = small_package(tmp_path / "here"), small_package(tmp_path / "there")
    assert here.key() == there.key()
    assert small_package(tmp_path / "there", "#!/bin/sh\nexit 1\n").key() != here.key()
