"""apt: with a log of its own, and never in the way of another apt. Works in a chroot as well."""

import re
from collections.abc import Iterable
from typing import Final

from agent.machine import Failed, Machine, NotYet
from agent.programs import Ended, without_secrets
from agent.system import dpkg
from agent.system.service_starts import no_service_starts
from agent.system.versions import version_matches

LOG: Final = "/var/log/openstack-paas-packages.log"
#: Seconds to wait for another apt, which a new machine starts by itself (apt-daily.service), to let go of a lock.
LOCK_SECONDS: Final = 180
#: Seconds for all sources, or one file; and for packages, which the time limit of the whole run undercuts.
READ_SECONDS, CHANGE_SECONDS = 600, 1800

_OPTIONS: Final = (
    *("--quiet", "--yes"),
    *("--option", f"DPkg::Lock::Timeout={LOCK_SECONDS}", "--option", "Acquire::Retries=3"),
    *("--option", "Acquire::http::Timeout=20", "--option", "Acquire::https::Timeout=20"),
    *("--option", "APT::Update::Error-Mode=any"),
    *("--option", "Dpkg::Options::=--force-confdef", "--option", "Dpkg::Options::=--force-confold"),
    *("--option", "Dpkg::Use-Pty=0"),
)
_INSTALL_OPTIONS: Final = ("--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages")
#: DPkg::Lock::Timeout is for dpkg's own lock. For those of the lists and of the archives apt does not wait.
_LOCKED: Final = re.compile(r"Could not get lock|lock was locked by another process")
_UNLOCKED: Final = "another apt or dpkg on this machine to end"
_DOWNLOAD: Final = "--download-only"


class Apt:
    """apt on this machine, in one run of the agent: the sources are read once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log = machine.path(LOG)
        self._log_is_begun = False
        self._sources_are_read = False

    def read_sources(self) -> None:
        """Learns what the sources offer now, once a run. Raises Failed when one of them cannot be read."""
        if self._sources_are_read:
            return
        self.machine.log_file = self.log
        self._complete_interrupted()
        ended = self._get("update", seconds=READ_SECONDS)
        if not ended:
            raise Failed(f"the apt sources cannot be read: {complaints(ended, ('E', 'W', 'Err'))}")
        self._sources_are_read = True

    def install(self, what: str, *words: str) -> None:
        """Installs packages, `words` being options and names, and starts nothing. Raises Failed, with `what`."""
        with no_service_starts(self.machine):
            self._must(f"install {what}", "install", *_INSTALL_OPTIONS, *words)

    def download(self, what: str, *names: str) -> None:
        """Brings packages to this machine's disk, and changes nothing. Raises Failed, with `what`."""
        self._must(f"download {what}", "install", *_INSTALL_OPTIONS, _DOWNLOAD, *names)

    def upgrade(self) -> None:
        """Everything that is not held, to what the sources offer; nothing is removed. Debian restarts services."""
        self._must("upgrade", "upgrade", "--with-new-pkgs")

    def download_upgrade(self) -> str:
        """Brings to the disk what `upgrade` needs. Returns what apt complained of when it could not."""
        ended = self._get("upgrade", "--with-new-pkgs", _DOWNLOAD)
        return "" if ended else complaints(ended, count=1)

    def offers(self, name: str) -> tuple[str, ...]:
        """The versions of a package that the sources offer, newest first. Raises Failed when apt cannot say."""
        ended = self.machine.run("apt-cache", "show", "--all-versions", name)
        if not ended and "No packages found" not in ended.errors:
            raise Failed(f"apt cannot say what its sources offer of {name}: {ended.said}")
        # What only dpkg knows of, because it is installed, has no file name.
        records = [_fields(text) for text in ended.output.split("\n\n")]
        found = [one["Version"] for one in records if one.get("Package") == name and "Filename" in one]
        return tuple(dict.fromkeys(found))

    def newest_offer(self, name: str, wanted: str) -> str:
        """The newest offered version that matches `wanted`; nothing when there is none."""
        return next((offer for offer in self.offers(name) if version_matches(offer, wanted)), "")

    def fetch(self, url: str, refused: str, sha256: str = "") -> bytes:
        """What is at the URL, by apt's own proxy. Raises Failed with `refused`, also when it has another digest."""
        with self.machine.work_folder() as folder:
            file = folder / "fetched"
            digest = (f"SHA256:{sha256}",) if sha256 else ()
            words = ("/usr/lib/apt/apt-helper", "download-file", url, str(file), *digest)
            ended = self.machine.run(*words, seconds=READ_SECONDS)
            self._note(f"download-file {url}", ended)
            if not ended or not file.is_file():
                raise Failed(f"{refused}: {complaints(ended)}")
            return file.read_bytes()

    def _complete_interrupted(self) -> None:
        """After a run that was killed, or a power cut: apt itself only asks for this."""
        words = ("dpkg", "--configure", "--pending", "--force-confdef", "--force-confold")

        def complete() -> Ended | None:
            interrupted = dpkg.was_interrupted(self.machine)
            return self._run(*words, seconds=CHANGE_SECONDS) if interrupted else None

        if not dpkg.was_interrupted(self.machine):
            return
        with no_service_starts(self.machine):
            ended = self.machine.retry_until(LOCK_SECONDS, _UNLOCKED, complete)
        if ended is None:
            return
        if not ended:
            raise Failed(f"dpkg cannot complete a change of packages that was interrupted: {ended.said}")
        self.machine.log("completed a change of packages that was interrupted")

    def _must(self, what: str, command: str, *words: str) -> None:
        self.machine.log_file = self.log
        ended = self._get(command, *words)
        if not ended:
            raise Failed(f"apt cannot {what}: {complaints(ended)}")
        self.machine.log_file = None

    def _get(self, command: str, *words: str, seconds: float = CHANGE_SECONDS) -> Ended:
        line = ("apt-get", command, *_OPTIONS, *words)
        return self.machine.retry_until(LOCK_SECONDS, _UNLOCKED, lambda: self._run(*line, seconds=seconds))

    def _run(self, *words: str, seconds: float) -> Ended:
        """Raises NotYet where another one holds a lock: nothing was done then."""
        ended = self.machine.run(*words, seconds=seconds, environment={"DEBIAN_FRONTEND": "noninteractive"})
        if not ended and _LOCKED.search(f"{ended.output}\n{ended.errors}"):
            raise NotYet(complaints(ended))
        self._note(" ".join(word for word in words if word not in _OPTIONS), ended)
        return ended

    def _note(self, what: str, ended: Ended) -> None:
        """Adds to the log, which holds one run."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("a" if self._log_is_begun else "w", encoding="utf-8") as log:
            log.write(f"# {what}\n{ended.output}{ended.errors}\n")
        self._log_is_begun = True


def complaints(ended: Ended, kinds: Iterable[str] = ("E:",), count: int = 2) -> str:
    """The last lines with which apt complains; without any, the last that it said."""
    lines = without_secrets(f"{ended.output}\n{ended.errors}").splitlines()
    chosen = [line for line in lines if line.startswith(tuple(kinds))]
    return " ".join(chosen[-count:]) or ended.said


def _fields(record: str) -> dict[str, str]:
    """A record of Debian's control data (deb822(5)): its fields of one line."""
    lines = [line for line in record.splitlines() if not line.startswith((" ", "\t"))]
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
