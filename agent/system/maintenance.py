"""Changes of packages on a machine that serves: what waits for its turn, and epochs.

An epoch is everything that Debian's sources offer, once for each word that the settings give.
"""

from typing import Final

from agent.machine import Machine
from agent.system import files
from agent.system.packages import Packages
from agent.system.versions import natural_order, split_wanted

_KERNEL: Final = "vmlinuz-"


class Maintenance:
    """The changes of packages that a machine which serves makes in its turn."""

    def __init__(self, machine: Machine, packages: Packages) -> None:
        self.machine, self.packages, self.epoch = machine, packages, packages.desired.epoch
        self._file = machine.state / "maintenance-epoch"

    def epoch_waits(self) -> bool:
        """Whether the settings ask for an epoch that this machine has not gone through."""
        return bool(self.epoch) and files.read(self._file) != self.epoch

    def what_waits(self, *names: str) -> str:
        """In words, what waits for this machine's turn; with names, of these packages and no epoch. Or nothing."""
        words = [" ".join(split_wanted(entry)) for entry in self.packages.waits(*names)]
        if not names and self.epoch_waits():
            words.append(f"the epoch {self.epoch}")
        return ", ".join(words)

    def fetch(self) -> None:
        """Everything that waits is on this machine's disk before anything stops."""
        self.packages.download_waiting()
        if not self.epoch_waits():
            return
        self.packages.apt.read_sources()
        if complaint := self.packages.apt.download_upgrade():
            self.machine.log(f"not everything could be fetched before: {complaint}")
        self.machine.log_file = None

    def renew(self) -> None:
        """The epoch: the role's packages and the rest of Debian to what the sources offer; nothing is removed.

        What has a version of its own keeps it. The epoch is over when the role has found itself well (`end_epoch`).
        """
        if self.epoch_waits():
            self.machine.log(f"the epoch {self.epoch}: every package to what the sources offer")
            self.packages.upgrade_all()

    def end_epoch(self) -> None:
        """The machine is well after its epoch. Says whether a reboot would complete it."""
        if not self.epoch_waits():
            return
        files.write(self._file, f"{self.epoch}\n")
        if wants_reboot(self.machine):
            self.machine.log("this machine needs a reboot for what was upgraded; it does not reboot by itself")

    def renew_new_machine(self) -> None:
        """One that does not serve yet goes through the epoch at once."""
        self.renew()
        self.end_epoch()


def wants_reboot(machine: Machine) -> bool:
    """Whether a package asks for it, or /boot has a newer kernel than the one that runs: a container's is not there."""
    running = files.read(machine.path("/proc/sys/kernel/osrelease"))
    kernels = [path.name.removeprefix(_KERNEL) for path in machine.path("/boot").glob(f"{_KERNEL}*")]
    newer = running in kernels and max(kernels, key=natural_order) != running
    return newer or machine.path("/run/reboot-required").exists()
