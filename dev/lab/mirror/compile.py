"""Compiles the mirror's programs into the cache. Needs Go, a C compiler and the Go module proxy, but no daemons."""

import os
import re
import shutil
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path

from dev.errors import DevError
from dev.lab.command import LongTask, Say
from dev.lab.mirror.product import Places, content_key, key_of, lock, replacing
from dev.lab.mirror.programs import PAUSE_SOURCE, GoBuild, go_builds, pause_versions

#: Two builds at a time fill two cores and stay under 4 GiB (peak of one Kubernetes build: 1.9 GB).
_BUILDS_AT_A_TIME = 2
#: A cold build of Kubernetes takes eight minutes on two idle cores; five times that is a hang.
_LIMIT_SECONDS = 2400.0


def folder_of(places: Places, build: GoBuild) -> Path:
    """The folder with the finished programs of a build."""
    return places.binaries / f"{build.name}-{build.version}"


def pause_folder(places: Places, version: str) -> Path:
    """The folder with the pause program of a version."""
    return places.binaries / f"pause-{version}"


def compile_all(places: Places, kubernetes_versions: tuple[str, ...], say: Say) -> None:
    """Compiles what is missing or out of date. Raises DevError with the first failure."""
    steps: list[Callable[[], object]] = [
        *(partial(compile_one, places, build, say) for build in go_builds(kubernetes_versions)),
        *(partial(_compile_pause, places, version, say) for version in pause_versions(kubernetes_versions)),
    ]
    with ThreadPoolExecutor(_BUILDS_AT_A_TIME) as pool:
        done, _ = wait([pool.submit(step) for step in steps], return_when=FIRST_EXCEPTION)
        failed = [error for future in done if (error := future.exception())]
        if failed:
            say("a build failed; waiting for the running ones to finish")
            pool.shutdown(cancel_futures=True)
            raise failed[0]


def compile_one(places: Places, build: GoBuild, say: Say) -> Path:
    """Compiles one build if it is missing or out of date. Returns the folder of its programs."""
    folder, key = folder_of(places, build), build.key()
    if key_of(folder) == key:
        return folder
    if (pinned := pinned_version(build)) != build.version:
        raise DevError(
            f"{build.title}: {build.folder}/go.mod pins {build.module} {pinned}, "
            f"settings/versions.py wants {build.version}"
        )
    if shutil.which("go") is None:
        raise DevError(f"{build.title}: cannot be compiled because `go` is not on PATH")
    # Another process (`dev.lab.mirror --ahead`) may be compiling the same program.
    with lock(places.binaries / f".{build.name}-{build.version}.lock", say):
        if key_of(folder) != key:
            _run_go(places, build, key, say)
    return folder


def pinned_version(build: GoBuild) -> str:
    """The version of a build's main module in its go.mod. Raises DevError when there is none."""
    text = (build.folder / "go.mod").read_text()
    found = re.search(rf"(?m)^(?:require )?\s*{re.escape(build.module)} v(\S+)", text)
    if not found:
        raise DevError(f"{build.folder}/go.mod does not pin {build.module}")
    return found.group(1)


def _run_go(places: Places, build: GoBuild, key: str, say: Say) -> None:
    say(f"{build.title}: compiling {', '.join(build.programs)}")
    started = time.monotonic()
    flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in build.stamps.items())])
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -mod=readonly", "GOWORK": "off"}
    task = LongTask(build.title, places.logs / f"{build.name}-{build.version}.log", say, _LIMIT_SECONDS)
    with replacing(folder_of(places, build), key) as folder:
        command = ("go", "build", "-trimpath", "-ldflags", flags, "-o", f"{folder}/", *build.programs.values())
        task.run(*command, folder=build.folder, environment=environment)
        for program, package in build.programs.items():
            (folder / default_name(package)).rename(folder / program)
    say(f"{build.title}: compiled in {time.monotonic() - started:.0f} s")


def default_name(package: str) -> str:
    """The file name that `go build` gives a package: the last path element that is not a major version."""
    return [element for element in package.split("/") if not re.fullmatch(r"v\d+", element)][-1]


def _compile_pause(places: Places, version: str, say: Say) -> None:
    key = content_key(PAUSE_SOURCE, version)
    if key_of(pause_folder(places, version)) == key:
        return
    task = LongTask(f"pause {version}", places.logs / f"pause-{version}.log", say, 60)
    with replacing(pause_folder(places, version), key) as folder:
        options = ("-Os", "-static", "-s", "-Wall", f'-DVERSION="{version}"')
        task.run("gcc", *options, "-o", folder / "pause", PAUSE_SOURCE)
