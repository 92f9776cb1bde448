"""Packages: what is missing in the wanted versions, and what waits for this machine's turn."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent.machine import Failed, Machine
from agent.system import dpkg, etcd_archive
from agent.system.apt import Apt
from agent.system.apt_sources import AptSources, write_sources
from agent.system.etcd_archive import EtcdArchive
from agent.system.service_starts import allow_service_starts
from agent.system.versions import split_wanted, version_matches

#: Packages whose change interrupts what runs. The platform alone changes them, also where no version is asked for: an
#: automatic upgrade by Debian (unattended-upgrades) would restart them on all machines at once.
ROLLED: Final = frozenset(("haproxy", "keepalived", "containerd", "runc"))


@dataclass(frozen=True)
class DesiredPackages:
    """`wanted` holds names, or name=version for an upstream version whose Debian revision does not matter.

    `etcd_archives` stand in for etcd's package. `epoch` is a word: when it changes, every package goes to what the
    sources offer.
    """

    wanted: tuple[str, ...]
    sources: AptSources
    etcd_archives: tuple[EtcdArchive, ...] = ()
    epoch: str = ""


class Packages:
    """The packages of this machine in one run of the agent, and where they differ from the desired ones.

    `deferred` are names that a role gives on a machine that serves: installed in another version than wanted they stay
    as they are for now, in `waiting`, until it is their turn (`change`).
    """

    def __init__(self, machine: Machine, desired: DesiredPackages) -> None:
        self.machine, self.desired, self.apt = machine, desired, Apt(machine)
        self.deferred: frozenset[str] = frozenset()
        self.missing: tuple[str, ...] = ()
        self.waiting: tuple[str, ...] = ()
        self.unheld: tuple[str, ...] = ()

    def look(self) -> None:
        """Finds `missing`, `waiting` and `unheld`, by one look at dpkg's list. Raises Failed when dpkg cannot say."""
        wanted = {name: (entry, version) for entry in self.desired.wanted for name, version in (split_wanted(entry),)}
        found = dpkg.find_installed(self.machine, wanted)
        versions = {name: one.version for name, one in found.items()}
        if "etcd" in wanted and (from_archive := etcd_archive.installed_version(self.machine)):
            versions["etcd"] = from_archive
        other = {
            name: entry
            for name, (entry, version) in wanted.items()
            if name not in versions or not version_matches(versions[name], version)
        }
        waiting = versions.keys() & self.deferred
        self.missing = tuple(entry for name, entry in other.items() if name not in waiting)
        self.waiting = tuple(entry for name, entry in other.items() if name in waiting)
        kept = [name for name, (_, version) in wanted.items() if version or name in ROLLED]
        self.unheld = tuple(name for name in kept if name in found and not found[name].is_held)

    def install(self) -> None:
        """The step: the sources, then what is missing. What waits is only named."""
        allow_service_starts(self.machine)
        write_sources(self.machine, self.desired.sources, self.apt)
        self.look()
        if self.missing:
            self.machine.log(f"installing {' '.join(self.missing)}")
            self._install(self.missing)
            self.look()
            if self.missing:
                raise Failed(f"still not installed, although apt has succeeded: {' '.join(self.missing)}")
        if self.waiting:
            self.machine.log(f"running here, and changed in this machine's turn: {' '.join(self.waiting)}")
        dpkg.hold(self.machine, self.unheld)
        # Of an earlier run whose dpkg has ended only now.
        allow_service_starts(self.machine)

    def waits(self, *names: str) -> tuple[str, ...]:
        """What waits for this machine's turn; with names, of these packages."""
        return tuple(entry for entry in self.waiting if not names or split_wanted(entry)[0] in names)

    def download_waiting(self) -> None:
        """What waits is on this machine's disk before anything stops for it."""
        if not self.waiting:
            return
        self.apt.read_sources()
        offers, archived = self._find_offers(self.waiting)
        if archived:
            etcd_archive.fetch(self.machine, archived, self.desired.etcd_archives, self.apt)
        if offers:
            self.apt.download(" ".join(offers), *offers)
        self.machine.log_file = None

    def change(self, *names: str) -> None:
        """Installs what waits, or of it these. Services go on with the old program until they restart."""
        now = self.waits(*names)
        if not now:
            return
        self.machine.log(f"installing {' '.join(now)}")
        self._install(now)
        self._hold()

    def upgrade_all(self) -> None:
        """Debian to what the sources offer, then the role's packages that have no version of their own."""
        self.apt.read_sources()
        self.apt.upgrade()
        if names := [entry for entry in self.desired.wanted if not split_wanted(entry)[1]]:
            self.apt.install(" ".join(names), "--only-upgrade", *names)
        self._hold()

    def _hold(self) -> None:
        """What has a version, or is in ROLLED, stays as it is until the platform changes it."""
        self.look()
        dpkg.hold(self.machine, self.unheld)

    def _install(self, entries: Iterable[str]) -> None:
        """Each in the newest version that matches."""
        self.apt.read_sources()
        offers, archived = self._find_offers(entries)
        if archived:
            etcd_archive.install(self.machine, archived, self.desired.etcd_archives, self.apt)
        if offers:
            self.apt.install(" ".join(offers), *offers)
            if any(split_wanted(offer)[0] == "etcd" for offer in offers):
                etcd_archive.forget(self.machine)
        self.machine.log_file = None

    def _find_offers(self, entries: Iterable[str]) -> tuple[list[str], str]:
        """What to ask apt for, and the version of etcd that has to come from its archive.

        Raises Failed for a package that nobody offers.
        """
        offers, archived = [], ""
        for entry in entries:
            name, version = split_wanted(entry)
            if not version:
                offers.append(name)
            elif offer := self.apt.newest_offer(name, version):
                offers.append(f"{name}={offer}")
            elif name == "etcd" and self.desired.etcd_archives:
                archived = version
            else:
                known = " ".join(self.apt.offers(name)) or "nothing"
                raise Failed(f"no apt source offers {name} {version}; on offer: {known}")
        return offers, archived
