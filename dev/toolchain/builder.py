"""Carries out a plan: lets the official CLI download plugins and builds the rest, two programs at a time."""

import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from dev.errors import DevError
from dev.toolchain import build_times, official
from dev.toolchain.build_lock import build_lock
from dev.toolchain.golang import BUILD_LIMIT, start_build, stop_build, tail
from dev.toolchain.places import SOURCES, Places
from dev.toolchain.plan import Step, make_plan
from dev.toolchain.programs import PROGRAMS, Program
from dev.toolchain.pulumi_home import link_plugins

#: Programs built at the same time. `go build` compiles on every core but links on one.
AT_A_TIME = 2

Say = Callable[[str], None]


class Builder:
    """Builds programs into one cache folder. An instance is used for one run."""

    def __init__(self, places: Places, say: Say, sources: Path = SOURCES) -> None:
        self.places = places
        self.say = say
        self.sources = sources
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = Lock()
        self._stopped = False

    def run(self, programs: tuple[Program, ...] = PROGRAMS) -> list[Step]:
        """Bring every program to the state `official` or `built`. Returns the steps with their final state."""
        self.places.create()
        with build_lock(self.places.lock, self.say):
            plan = make_plan(self.places, self.sources, programs)
            if self._install_official(plan):
                plan = make_plan(self.places, self.sources, programs)
            self._remove_superseded(plan)
            self._build_all([step for step in plan if step.to_build])
            ready = make_plan(self.places, self.sources, programs)
            link_plugins(self.places.home, ready)
            return ready

    def _install_official(self, plan: list[Step]) -> bool:
        """Let the official CLI download missing plugins until the first failure. Returns whether it got any."""
        engine = next((step.path for step in plan if step.program.kind == "engine" and step.state == "official"), None)
        installed = False
        for step in plan if engine is not None else []:
            wanted = step.to_build and step.program.kind == "plugin" and not official.is_to_be_built(step.program)
            if not wanted or engine is None:
                continue
            self.say(f"{step.program.binary}: downloading version {step.program.version} with the official CLI")
            reason = official.install(step.program, engine)
            if reason is not None:
                self.say(f"{step.program.binary}: the download failed ({reason}); building it instead")
                break
            installed = True
        return installed

    def _remove_superseded(self, plan: list[Step]) -> None:
        """Remove built binaries that now have official counterparts, because the engine would prefer them on PATH."""
        for step in plan:
            if step.state == "official":
                for name in (step.program.binary, *step.program.copies):
                    (self.places.binaries / name).unlink(missing_ok=True)
                (self.places.stamps / step.program.name).unlink(missing_ok=True)

    def _build_all(self, steps: list[Step]) -> None:
        """Build in parallel. The first failure or an interrupt stops the other builds and is raised."""
        with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
            futures = [pool.submit(self._build, step) for step in steps]
            try:
                for future in futures:
                    future.result()
            except BaseException:
                for future in futures:
                    future.cancel()
                self._stop()
                raise

    def _stop(self) -> None:
        """Stop every running build and let no other start."""
        with self._guard:
            self._stopped = True
            running = list(self._running)
        for process in running:
            stop_build(process)

    def _build(self, step: Step) -> None:
        """Build one program and put it in place atomically."""
        program = step.program
        folder = self.sources / program.name
        log_file = self.places.logs / f"{program.name}.log"
        partial = self.places.binaries / f".{program.binary}.partial"
        begun = time.monotonic()
        with log_file.open("wb") as log:
            with self._guard:
                if self._stopped:
                    return
                self.say(f"{program.binary}: building ({step.state})")
                process = start_build(program, folder, partial, log)
                self._running.add(process)
            try:
                status = process.wait(timeout=BUILD_LIMIT)
            except subprocess.TimeoutExpired:
                stop_build(process)
                raise DevError(f"{program.binary}: not built within {BUILD_LIMIT} s; see {log_file}") from None
            finally:
                with self._guard:
                    self._running.discard(process)
        if self._stopped:
            partial.unlink(missing_ok=True)
            return
        if status != 0:
            raise DevError(
                f"{program.binary}: `go build` failed in {folder} (exit status {status}):\n{tail(log_file)}\n"
                f"the complete output is in {log_file}"
            )
        self._put_in_place(step, partial)
        seconds = time.monotonic() - begun
        build_times.record(self.places.times, program.name, seconds, step.path.stat().st_size)
        self.say(f"{program.binary}: built in {seconds:.0f} s")

    def _put_in_place(self, step: Step, partial: Path) -> None:
        """Write copies first, then the binary, then the stamp, so that an interrupted build is repeated."""
        program = step.program
        with self._guard:
            for name in program.copies:
                fresh = self.places.binaries / f".{name}.partial"
                shutil.copyfile(self.sources / program.name / name, fresh)
                fresh.chmod(0o755)
                fresh.replace(self.places.binaries / name)
            partial.replace(step.path)
            (self.places.stamps / program.name).write_text(step.fingerprint + "\n", encoding="utf-8")
