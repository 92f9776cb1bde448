"""When certificates of a node that runs must be renewed."""

from dataclasses import dataclass
from pathlib import Path

from agent.machine import Machine
from agent.system import certificates, files


@dataclass(frozen=True)
class CertificateSettings:
    """When certificates are renewed."""

    #: The name of the authority that issues, as the settings have it.
    generation: str
    #: A word; with another one than before, every certificate is renewed once.
    epoch: str = ""
    #: Certificates that end within so many seconds are renewed.
    renewal_seconds: int = 0


class Renewal:
    """Reasons for certificates of this machine. One that is not a node yet has none but those of the certificate."""

    def __init__(self, machine: Machine, wanted: CertificateSettings, authorities: str, at_work: bool) -> None:
        """`authorities` are the cluster's, in PEM, the one that issues first; `at_work`: this is a node that runs."""
        self.machine, self.wanted, self.authorities, self.at_work = machine, wanted, authorities, at_work
        self._epoch_file = machine.state / "certificate-epoch"

    def epoch_began(self) -> bool:
        """Whether the settings name another epoch than the one of this node's certificates."""
        return self.at_work and files.read(self._epoch_file) != self.wanted.epoch

    def end_epoch(self) -> None:
        """All certificates of this node are of the epoch of the settings."""
        files.write(self._epoch_file, f"{self.wanted.epoch}\n")

    def reason_of_file(self, certificate: Path, authorities: str = "") -> str:
        """Why the certificate itself must be renewed, empty when it need not: reads on its name. The first of the
        authorities issues, the cluster's unless others are given.
        """
        wanted = self.wanted
        issuing = certificates.split(authorities or self.authorities)[0]
        return certificates.renewal_reason(
            self.machine, certificate, issuing, wanted.renewal_seconds, wanted.generation
        )  # fmt: skip

    def reason(self, certificate: Path, authorities: str = "") -> str:
        """The same, for one that is in use: a new epoch is a reason too."""
        found = self.reason_of_file(certificate, authorities)
        return found or (f"is of another epoch than '{self.wanted.epoch}'" if self.epoch_began() else "")

    def ends_soon(self, certificate: Path) -> bool:
        """Whether it ends soon, or cannot be read; whoever issued it."""
        words = ("-noout", "-checkend", str(self.wanted.renewal_seconds))
        return not self.machine.run("openssl", "x509", "-in", certificate, *words)
