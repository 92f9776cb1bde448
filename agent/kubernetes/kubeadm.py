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
        self.machine, self.ignored = machine, tuple(ignored)

    def flags(self, *more: str) -> tuple[str, ...]:
        """The flags of everything that begins with checks: one or none. `more` do not count this time."""
        checks = (*self.ignored, *more)
        return (f"--ignore-preflight-errors={','.join(checks)}",) if checks else ()

    def run(self, what: str, *words: str | Path, configuration: str = "") -> None:
        """Runs it with the text of a configuration file, if any. Raises Failed with the lines that name errors."""
        machine = self.machine
        began = machine.clock.monotonic()
        machine.log_file, machine.unit = machine.path(LOG), "kubelet.service"
        ended = self.show(LOG, *words, configuration=configuration)
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
        return self.show(IMAGES_LOG, "config", "images", "pull", configuration=configuration)

    def record(self, configuration: str) -> None:
        """Writes the cluster's record: what control planes that join later are made with."""
        self.run("kubeadm's record", "init", "phase", "upload-config", "kubeadm", configuration=configuration)

    def reset(self) -> None:
        """Removes what an init or a join has left."""
        self.run("kubeadm reset", "reset", "--force", "--cri-socket", CRI_SOCKET)

    def show(self, log: str, *words: str | Path, configuration: str = "") -> Ended:
        """Runs it for what it says. That goes to a log for root alone, which is empty while kubeadm runs."""
        path = self.machine.path(log)
        files.write(path, "", 0o600)
        with self.machine.work_folder() as folder:
            if configuration:
                files.write(folder / "configuration.yaml", configuration, 0o600)
                words = (*words, "--config", folder / "configuration.yaml")
            ended = self.machine.run("kubeadm", *words, seconds=SECONDS)
        files.write(path, f"{ended.output}{ended.errors}", 0o600)
        return ended
