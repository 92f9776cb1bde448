"""When certificates of a node that runs must be renewed."""

from pathlib import Path

from agent.kubernetes.node import Node
from agent.system import certificates, files


class Renewal:
    """Reasons for certificates of this machine. On one that is not a node yet an epoch is none."""

    def __init__(self, node: Node) -> None:
        self.machine, self.wanted, self.at_work = node.machine, node.wanted, node.at_work
        self._epoch_file = self.machine.state / "certificate-epoch"

    def epoch_began(self) -> bool:
        """Whether the settings name another epoch than the one of this node's certificates."""
        return self.at_work and files.read(self._epoch_file) != self.wanted.epoch

    def end_epoch(self) -> None:
        """All certificates of this node are of the epoch of the settings."""
        files.write(self._epoch_file, f"{self.wanted.epoch}\n")

    def reason_of_file(self, certificate: Path, authorities: str = "") -> str:
        """Why the certificate itself must be renewed, or "". The first of the authorities, or the cluster's, issues."""
        wanted = self.wanted
        issuing = certificates.split(authorities or wanted.authorities)[0]
        return certificates.renewal_reason(
            self.machine, certificate, issuing, wanted.renewal_seconds, wanted.generation
        )  # fmt: skip

    def reason(self, certificate: Path, authorities: str = "") -> str:
        """The same, for one that is in use: a new epoch is a reason too."""
        return self.reason_of_file(certificate, authorities) or self.reason_of_epoch()

    def reason_of_epoch(self) -> str:
        """The same, for any certificate."""
        return f"is of another epoch than '{self.wanted.epoch}'" if self.epoch_began() else ""

    def ends_soon(self, certificate: Path) -> bool:
        """Whether it ends soon, or cannot be read; whoever issued it."""
        words = ("-noout", "-checkend", str(self.wanted.renewal_seconds))
        return not self.machine.run("openssl", "x509", "-in", certificate, *words)
