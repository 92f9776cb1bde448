"""kubeadm: its many lines go to a log, of which a failure shows the end."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine
from agent.programs import Ended, last_lines, without_secrets
from agent.system import files

LOG: Final = "/var/log/openstack-paas-kubeadm.log"
IMAGES_LOG: Final = "/var/log/openstack-paas-images.log"
CRI_SOCKET: Final = "unix:///run/containerd/containerd.sock"

#: Seconds for one call. An upgrade waits up to 5 minutes for each of three parts, and puts back what does not come up;
#: the limit of the whole step is longer than what it takes.
SECONDS: Final = 1200
_ERROR: Final = re.compile(r"^(error|\[preflight\] .*error|.*\[ERROR)", re.IGNORECASE)


class Kubeadm:
    """kubeadm on this machine. `ignored` are the checks whose objections do not count (kubeadm's names)."""

    def __init__(self, machine: Machine, ignored: Sequence[str] = ()) -> None:
        """Nothing runs yet."""
        self.machine = machine
        self.ignored = tuple(ignored)

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags of everything that begins with checks: one or none."""
        return ignore_flag(self.ignored)

    def run(self, what: str, *words: str | Path, configuration: str = "") -> None:
        """Runs it with the text of a configuration file, if any. Raises Failed with the lines that name errors."""
        machine = self.machine
        began = machine.clock.monotonic()
        machine.log_file, machine.unit = machine.path(LOG), "kubelet.service"
        ended = self._logged(LOG, words, configuration)
        passed = machine.clock.monotonic() - began
        if not ended:
            lines = [line for line in f"{ended.output}\n{ended.errors}".splitlines() if _ERROR.match(line)]
            said = without_secrets(" ".join(lines[-3:])) or last_lines(ended.said, 1)
            raise Failed(f"{what} failed after {passed:.0f} s: {said}")
        machine.log(f"{what} took {passed:.0f} s")

    def validate(self, name: str, configuration: str) -> None:
        """Raises Failed when kubeadm does not take the configuration."""
        with self.machine.work_folder() as folder:
            files.write(folder / name, configuration, 0o600)
            ended = self.machine.run("kubeadm", "config", "validate", "--config", folder / name)
        if not ended:
            raise Failed(f"kubeadm refuses {name}: {ended.said}")

    def pull_images(self, configuration: str) -> Ended:
        """Pulls the images of a control plane, and returns how that ended."""
        return self._logged(IMAGES_LOG, ("config", "images", "pull"), configuration)

    def reset(self) -> None:
        """Removes what an init or a join has left."""
        self.run("kubeadm reset", "reset", "--force", "--cri-socket", CRI_SOCKET)

    def show(self, log: str, *words: str | Path) -> Ended:
        """Runs it for what it says, which goes to a log of its own."""
        return self._logged(log, words, "")

    def _logged(self, log: str, words: Sequence[str | Path], configuration: str) -> Ended:
        """The log is for root alone; while kubeadm runs it is empty, not that of an earlier call."""
        path = self.machine.path(log)
        files.write(path, "", 0o600)
        with self.machine.work_folder() as folder:
            if configuration:
                files.write(folder / "configuration.yaml", configuration, 0o600)
                words = (*words, "--config", folder / "configuration.yaml")
            ended = self.machine.run("kubeadm", *words, seconds=SECONDS)
        files.write(path, f"{ended.output}{ended.errors}", 0o600)
        return ended


def ignore_flag(checks: Sequence[str]) -> tuple[str, ...]:
    """kubeadm's flag for checks that do not count, or none."""
    return (f"--ignore-preflight-errors={','.join(checks)}",) if checks else ()
