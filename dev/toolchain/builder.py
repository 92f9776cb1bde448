"""Carries out a plan: lets the official CLI download plugins and builds the rest, two programs at a time."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.errors import DevError
from dev.files import hold
from dev.toolchain import official
from dev.toolchain.plan import SOURCES, Places, Step, make_plan
from dev.toolchain.programs import PROGRAMS, Program

#: Programs built at the same time. `go build` compiles on every core but links on one.
AT_A_TIME = 2
#: Seconds. The longest build from scratch took about 5 minutes on two busy cores. The rest is room for downloads.
BUILD_LIMIT = 30 * 60
#: Seconds to wait for another build. A complete build took less on the smallest machine we tried.
WAIT_LIMIT = 45 * 60

Say = Callable[[str], None]


@dataclass(frozen=True)
class Build:
    """A build that is running."""

    step: Step
    log: Path
    partial: Path
    process: "subprocess.Popen[bytes]"
    begun: float


class Builder:
    """Builds programs into one cache folder."""

    def __init__(self, places: Places, say: Say, sources: Path = SOURCES) -> None:
        self.places = places
        self.say = say
        self.sources = sources

    def run(self, programs: tuple[Program, ...] = PROGRAMS) -> list[Step]:
        """Bring every program to the state `official` or `built`. Returns the steps with their final state."""
        self.places.create()
        busy = "waiting for another build (process {})"
        with hold(self.places.lock, str(os.getpid()), lambda holder: self.say(busy.format(holder)), WAIT_LIMIT):
            self._install_official(make_plan(self.places, self.sources, programs))
            plan = make_plan(self.places, self.sources, programs)
            self._remove_superseded(plan)
            self._build_all([step for step in plan if step.to_build])
            ready = make_plan(self.places, self.sources, programs)
            link_plugins(self.places.home, ready)
            return ready

    def _install_official(self, plan: list[Step]) -> None:
        """Let the official CLI download missing plugins until the first failure."""
        engine = next((step.path for step in plan if step.program.kind == "engine" and step.state == "official"), None)
        missing = [step.program for step in plan if step.to_build and step.program.kind == "plugin"]
        for program in missing:
            if engine is None or official.is_to_be_built(program):
                continue
            self.say(f"{program.binary}: downloading version {program.version} with the official CLI")
            reason = official.install(program, engine)
            if reason is not None:
                self.say(f"{program.binary}: the download failed ({reason}); building it instead")
                break

    def _remove_superseded(self, plan: list[Step]) -> None:
        """Remove built binaries that now have official counterparts, because the engine would prefer them on PATH."""
        for program in (step.program for step in plan if step.state == "official"):
            for name in (program.binary, *program.copies):
                (self.places.binaries / name).unlink(missing_ok=True)
            (self.places.stamps / program.name).unlink(missing_ok=True)

    def _build_all(self, steps: list[Step]) -> None:
        """Build in parallel. The first failure or an interrupt stops the other builds and is raised."""
        left, running = list(steps), list[Build]()
        try:
            while left or running:
                while left and len(running) < AT_A_TIME:
                    running.append(self._start(left.pop(0)))
                time.sleep(0.1)
                for build in [build for build in running if self._has_ended(build)]:
                    self._finish(build)
                    running.remove(build)
        finally:
            for build in running:
                if build.process.poll() is None:
                    os.killpg(build.process.pid, signal.SIGTERM)  # also the compilers that it started
                    build.process.wait(timeout=30)
                build.partial.unlink(missing_ok=True)

    def _start(self, step: Step) -> Build:
        """Start `go build` in its own process group, with all its output in a log."""
        program = step.program
        log, partial = self.places.logs / f"{program.name}.log", self.places.binaries / f".{program.binary}.partial"
        self.say(f"{program.binary}: building ({step.state})")
        flags = ("-mod=readonly", "-buildvcs=false", "-ldflags", program.link_flags)
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["go", "build", *flags, "-o", partial, program.package],
                cwd=self.sources / program.name,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "GOFLAGS": "", "GOWORK": "off"},
            )
        return Build(step, log, partial, process, time.monotonic())

    def _has_ended(self, build: Build) -> bool:
        if build.process.poll() is None and time.monotonic() > build.begun + BUILD_LIMIT:
            raise DevError(f"{build.step.program.binary}: not built within {BUILD_LIMIT} s; see {build.log}")
        return build.process.returncode is not None

    def _finish(self, build: Build) -> None:
        """Put a built program in place atomically."""
        program, status = build.step.program, build.process.returncode
        if status != 0:
            raise DevError(
                f"{program.binary}: `go build` failed in {self.sources / program.name} (exit status {status}):\n"
                f"{tail(build.log)}\nthe complete output is in {build.log}"
            )
        # Copies first, then the binary, then the stamp, so that an interrupted build is repeated.
        for name in program.copies:
            fresh = self.places.binaries / f".{name}.partial"
            shutil.copyfile(self.sources / program.name / name, fresh)
            fresh.chmod(0o755)
            fresh.replace(self.places.binaries / name)
        build.partial.replace(build.step.path)
        seconds = time.monotonic() - build.begun
        (self.places.stamps / program.name).write_text(f"{build.step.fingerprint}\n{seconds:.1f}\n", encoding="utf-8")
        self.say(f"{program.binary}: built in {seconds:.0f} s")


def tail(log: Path) -> str:
    """The last 15 lines of a log file, without reports of downloads."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([line for line in text if not line.startswith("go: downloading")][-15:])


def link_plugins(home: Path, steps: list[Step]) -> None:
    """Make the folders of a PULUMI_HOME in which the engine looks for plugins, each with a link to the executable.

    The engine also uses plugins on PATH, but warns about each at every run. With PULUMI_IGNORE_AMBIENT_PLUGINS set it
    only looks here and does not warn.
    """
    for step in [step for step in steps if step.program.kind == "plugin"]:
        folder = home / "plugins" / f"resource-{step.program.name}-v{step.program.version}"
        link = folder / step.program.binary
        if link == step.path or (link.exists() and not link.is_symlink()):
            continue  # the official CLI has installed the plugin here
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{step.program.binary}.partial"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(step.path)
        fresh.replace(link)
