"""What the mirror compiles: go.mod folders and version table agree, and products are whole or absent."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from dev.errors import DevError
from dev.lab.command import Say
from dev.lab.mirror import compile
from dev.lab.mirror.compile import default_name, folder_of, pinned_version
from dev.lab.mirror.content import wanted_versions
from dev.lab.mirror.images import all_images
from dev.lab.mirror.product import Places, content_key, key_of, replacing
from dev.lab.mirror.programs import GoBuild, go_builds
from settings import versions

BUILDS = go_builds(tuple(brought.patch for brought in versions.KUBERNETES.values()))
#: What new platforms get.
DEFAULT = versions.KUBERNETES[versions.DEFAULT_KUBERNETES]


@pytest.mark.parametrize("build", BUILDS, ids=lambda build: build.title)
def test_go_mod_pins_the_version_and_the_programs(build: GoBuild) -> None:
    assert pinned_version(build) == build.version
    assert (build.folder / "go.sum").stat().st_size > 0
    module = (build.folder / "go.mod").read_text()
    for package in build.programs.values():
        assert package in module


def test_go_names_a_program_after_its_package() -> None:
    assert default_name("go.etcd.io/etcd/server/v3") == "server"
    assert default_name("k8s.io/kubernetes/cmd/kubelet") == "kubelet"


def test_the_default_release_is_always_there() -> None:
    assert wanted_versions(DEFAULT.patch) == (DEFAULT.patch,)
    assert wanted_versions("1.34") == wanted_versions("1.34.2") == (DEFAULT.patch, "1.34.2")
    with pytest.raises(DevError, match=r"Kubernetes 1.2.3: the lab has 1.34.2, "):
        wanted_versions("1.2.3")


def test_images_have_upstreams_references(tmp_path: Path) -> None:
    references = {image.reference for image in all_images(Places(tmp_path), (DEFAULT.patch,))}
    assert {
        f"kube-apiserver:v{DEFAULT.patch}",
        f"kube-proxy:v{DEFAULT.patch}",
        f"coredns/coredns:{DEFAULT.coredns}",
        f"pause:{DEFAULT.pause}",
        "library/mariadb:10.11",
    } <= references


def test_an_interrupted_build_leaves_the_old_product(tmp_path: Path) -> None:
    product = tmp_path / "product"
    with replacing(product, "one") as folder:
        (folder / "file").write_text("old")
    with pytest.raises(RuntimeError), replacing(product, "two") as folder:
        (folder / "file").write_text("new")
        raise RuntimeError
    assert key_of(product) == "one"
    assert (product / "file").read_text() == "old"
    with replacing(product, "two") as folder:
        (folder / "file").write_text("new")
    assert key_of(product) == "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["product"]


def test_a_key_tells_contents_and_names_apart(tmp_path: Path) -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    (tmp_path / "x").write_text("1")
    before = content_key(tmp_path)
    (tmp_path / "x").rename(tmp_path / "y")
    assert content_key(tmp_path) != before


def test_what_another_process_compiles_meanwhile_is_not_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that want the same: the second one waits, and finds it."""
    places, compiled, said = Places(tmp_path / "mirror"), list[str](), list[str]()
    folder = tmp_path / "tiny"
    folder.mkdir()
    build = GoBuild("tiny", "1.0.0", folder, "tiny", {"tiny": "tiny"})
    (folder / "go.mod").write_text("require tiny v1.0.0\n")
    (folder / "go").write_text("#!/bin/sh\n")
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    at_it = Event()

    def run_go(places: Places, build: GoBuild, key: str, say: Say) -> None:
        compiled.append(build.title)
        at_it.set()
        while not any("waiting for it" in line for line in said):
            time.sleep(0.01)
        with replacing(folder_of(places, build), key):
            pass

    monkeypatch.setattr(compile, "go_builds", lambda _: [build])
    monkeypatch.setattr(compile, "pause_versions", lambda _: [])
    monkeypatch.setattr(compile, "_run_go", run_go)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(compile.compile_all, places, ("1.0.0",), said.append)
        at_it.wait(10)
        second = pool.submit(compile.compile_all, places, ("1.0.0",), said.append)
        first.result(30)
        second.result(30)
    assert compiled == ["tiny 1.0.0"]
