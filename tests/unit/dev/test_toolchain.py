"""The toolchain's own logic: what is official, what is built, when again, and what it says when it cannot."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dev.errors import DevError
from dev.files import hold
from dev.toolchain import builder, official
from dev.toolchain.builder import Builder
from dev.toolchain.plan import SOURCES, Places, fingerprint, make_plan
from dev.toolchain.programs import PROGRAMS, Program

TINY = Program(name="tiny", kind="plugin", version="1.0.0")
MODULE = "module tiny\n\ngo 1.21\n"
MAIN = 'package main\n\nfunc main() { println("tiny") }\n'


def executable(path: Path, script: str = "exit 0") -> Path:
    """Put a small shell script in place of a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def pulumi(folder: Path, version: str = "v3.281.0") -> Path:
    """An official CLI that says its version and fails at the rest."""
    return executable(folder / "pulumi", f'[ "$1" = version ] && echo {version} && exit 0\necho "no route" >&2; exit 1')


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A cache of its own and a machine without any official program."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OPENSTACK_PAAS_BUILD", raising=False)
    made = Places(tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{made.binaries}:/usr/bin:/bin")
    made.create()
    return made


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A folder of sources with one program that Go builds in a second."""
    folder = tmp_path / "sources"
    (folder / "tiny").mkdir(parents=True)
    (folder / "tiny" / "go.mod").write_text(MODULE, encoding="utf-8")
    (folder / "tiny" / "main.go").write_text(MAIN, encoding="utf-8")
    return folder


def fake_go(folder: Path, build: str, version: str = "go1.30.0") -> None:
    """A `go` that says its version and builds as told; $out is where the binary goes."""
    script = (
        f'[ "$1" = env ] && echo {version} && exit 0\nwhile [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done\n'
    )
    executable(folder / "go", script + build)


# What a binary is made of


def test_fingerprint_follows_sources_and_go_but_not_tests(tiny: Path) -> None:
    folder = tiny / "tiny"
    first = fingerprint(TINY, folder, "go1.26.8")
    (folder / "main_test.go").write_text("package main\n", encoding="utf-8")
    assert fingerprint(TINY, folder, "go1.26.8") == first
    assert fingerprint(TINY, folder, "go1.26.9") != first
    (folder / "go.mod").write_text(MODULE + "\n// changed\n", encoding="utf-8")
    assert fingerprint(TINY, folder, "go1.26.8") != first


def test_fingerprint_tells_names_from_contents(tiny: Path) -> None:
    folder = tiny / "tiny"
    (folder / "a.go").write_text("bc", encoding="utf-8")
    first = fingerprint(TINY, folder, "go1.26.8")
    (folder / "a.go").unlink()
    (folder / "ab.go").write_text("c", encoding="utf-8")
    assert fingerprint(TINY, folder, "go1.26.8") != first


def test_every_program_has_its_sources_with_sums() -> None:
    for program in PROGRAMS:
        folder = SOURCES / program.name
        assert (folder / "go.mod").is_file()
        assert (folder / "go.sum").is_file(), f"{program.name} would need -mod=mod"
        assert all(os.access(folder / name, os.X_OK) for name in program.copies)


# What is official


def test_nothing_official_on_a_bare_machine(places: Places) -> None:
    assert official.find(PROGRAMS, places.binaries) == {}


def test_built_programs_are_not_taken_for_official_ones(places: Places) -> None:
    pulumi(places.binaries)
    executable(places.binaries / "pulumi-resource-tls")
    assert official.find(PROGRAMS, places.binaries) == {}


def test_official_engine_brings_its_language_host(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "official"
    executable(folder / "pulumi-language-python")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    assert "language" not in official.find(PROGRAMS, places.binaries)
    pulumi(folder)
    assert official.find(PROGRAMS, places.binaries).keys() == {"engine", "language"}


@pytest.mark.parametrize("version", ["v3.274.0", "v4.0.0"])
def test_engine_outside_the_tested_range_is_passed_over(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    pulumi(tmp_path / "official", version)
    monkeypatch.setenv("PATH", f"{tmp_path / 'official'}:/usr/bin:/bin")
    assert official.find(PROGRAMS, places.binaries) == {}


def test_plugins_are_found_in_the_pinned_version_only(places: Places, tmp_path: Path) -> None:
    plugins = tmp_path / "home" / "plugins"
    executable(plugins / "resource-tls-v5.6.2" / "pulumi-resource-tls")
    executable(plugins / "resource-openstack-v5.4.0" / "pulumi-resource-openstack")
    assert official.find(PROGRAMS, places.binaries).keys() == {"tls"}


def test_official_programs_can_be_passed_over(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = tmp_path / "home" / "plugins"
    executable(plugins / "resource-tls-v5.6.2" / "pulumi-resource-tls")
    executable(plugins / "resource-command-v1.2.1" / "pulumi-resource-command")
    monkeypatch.setenv("OPENSTACK_PAAS_BUILD", "kubernetes,tls")
    assert official.find(PROGRAMS, places.binaries).keys() == {"command"}
    monkeypatch.setenv("OPENSTACK_PAAS_BUILD", "all")
    assert official.find(PROGRAMS, places.binaries) == {}


def test_failed_download_gives_the_last_line_as_reason(tmp_path: Path) -> None:
    assert official.install(TINY, pulumi(tmp_path / "official")) == "no route"


# What is built


def test_builds_once_and_again_after_a_change(places: Places, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(places.root / "go", 'cp main.go "$out"; chmod +x "$out"')
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:/usr/bin:/bin")
    said: list[str] = []
    for change in ("", "", "// changed\n"):
        with (tiny / "tiny" / "main.go").open("a", encoding="utf-8") as source:
            source.write(change)
        (step,) = Builder(places, said.append, tiny).run((TINY,))
        assert step.state == "built"
    assert [line.split(": ")[1] for line in said] == [
        "building (missing)",
        "built in 0 s",
        "building (out of date)",
        "built in 0 s",
    ]
    assert "// changed" in (places.binaries / "pulumi-resource-tiny").read_text(encoding="utf-8")
    assert float(step.seconds) >= 0


def test_a_stamp_without_a_time_counts_for_its_fingerprint(
    places: Places, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stamps of earlier versions are like that, and must not cause a build."""
    fake_go(places.root / "go", 'cp main.go "$out"; chmod +x "$out"')
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:/usr/bin:/bin")
    (step,) = Builder(places, lambda _: None, tiny).run((TINY,))
    (places.stamps / "tiny").write_text(f"{step.fingerprint}\n", encoding="utf-8")
    (step,) = make_plan(places, tiny, (TINY,))
    assert (step.state, step.seconds) == ("built", "")


def test_failed_build_names_program_output_and_log(places: Places, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(places.root / "go", 'echo "go: downloading x"; echo "main.go:3:1: syntax error"; exit 1')
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:/usr/bin:/bin")
    with pytest.raises(DevError) as failure:
        Builder(places, lambda _: None, tiny).run((TINY,))
    message = str(failure.value)
    assert "pulumi-resource-tiny" in message
    assert "main.go:3:1: syntax error" in message
    assert str(places.logs / "tiny.log") in message
    assert "downloading" not in message
    assert not (places.binaries / "pulumi-resource-tiny").exists()


def test_official_program_takes_the_place_of_a_built_one(places: Places, tiny: Path, tmp_path: Path) -> None:
    built = executable(places.binaries / "pulumi-resource-tiny")
    executable(tmp_path / "home" / "plugins" / "resource-tiny-v1.0.0" / "pulumi-resource-tiny")
    (step,) = Builder(places, lambda _: None, tiny).run((TINY,))
    assert step.state == "official"
    assert not built.exists()


def test_every_plugin_is_linked_where_the_engine_looks(
    places: Places, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(places.root / "go", 'echo built > "$out"; chmod +x "$out"')
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(places.home))
    link = places.home / "plugins" / "resource-tiny-v1.0.0" / "pulumi-resource-tiny"
    for _ in range(2):  # the second run finds its own link, which is no official plugin
        (step,) = Builder(places, lambda _: None, tiny).run((TINY,))
        assert step.state == "built"
        assert link.resolve() == step.path.resolve()
    official_one = executable(tmp_path / "official" / "pulumi-resource-tiny")
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:{official_one.parent}:/usr/bin:/bin")
    Builder(places, lambda _: None, tiny).run((TINY,))
    assert link.resolve() == official_one.resolve()


def test_refused_download_falls_back_to_a_build(
    places: Places, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi(tmp_path / "official")
    fake_go(tmp_path / "official", 'echo > "$out"; chmod +x "$out"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'official'}:/usr/bin:/bin")
    engine = next(program for program in PROGRAMS if program.kind == "engine")
    said: list[str] = []
    steps = Builder(places, said.append, tiny).run((engine, TINY))
    assert [step.state for step in steps] == ["official", "built"]
    assert any("the download failed (no route); building it instead" in line for line in said)


def test_missing_go_says_what_to_install(
    places: Places, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevError, match=r"Go 1\.21 or newer is needed.*`go` is not on PATH"):
        make_plan(places, tiny, (TINY,))


def test_old_go_says_which_one_is_here(places: Places, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(places.root / "go", "exit 1", version="go1.19.8")
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:/usr/bin:/bin")
    with pytest.raises(DevError, match=r"Go 1\.21 or newer is needed.*go1\.19\.8"):
        make_plan(places, tiny, (TINY,))


def test_second_build_waits_and_names_the_first(places: Places, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(builder, "WAIT_LIMIT", 0.1)
    with hold(places.lock, "1234", said.append), pytest.raises(DevError, match=r"process \(1234\) .* waited 0 s"):
        Builder(places, said.append, tiny).run((TINY,))
    assert said == ["waiting for another build (process 1234)"]


def test_a_failure_stops_the_other_builds(places: Places, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tiny / "tiny", tiny / "slow")
    slow = Program(name="slow", kind="plugin", version="1.0.0")
    fake_go(places.root / "go", 'case "$out" in *tiny*) exit 1 ;; esac; touch "$out"; exec sleep 60')
    monkeypatch.setenv("PATH", f"{places.root / 'go'}:/usr/bin:/bin")
    begun = time.monotonic()
    with pytest.raises(DevError, match="pulumi-resource-tiny: `go build` failed"):
        Builder(places, lambda _: None, tiny).run((slow, TINY))
    assert time.monotonic() - begun < 30
    assert list(places.binaries.iterdir()) == []


def test_command_line_prints_the_folder_for_path(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "dev.toolchain", "path"],
        cwd=SOURCES.parents[1],
        env={**os.environ, "OPENSTACK_PAAS_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert answer.stdout == f"{tmp_path}/toolchain/bin\n"
