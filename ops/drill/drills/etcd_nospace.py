"""etcd is full: it has reached its quota, and refuses writes until it has room again."""

import time

from ops.drill.drills.etcd_outage import EtcdOutage
from ops.drill.target import REMOTE
from ops.drill.waiting import DrillError
from ops.etcd import cli, remote
from ops.shared.outputs import Machine

MIB = 2**20
#: What is written until etcd refuses it, under a prefix of its own.
PREFIX = "openstack-paas-drill/nospace/"
#: Larger ones take too long to fill.
LARGEST_QUOTA = 2048 * MIB
#: Beside the full database: its snapshot, with the proof's copy, logs, and what defragmenting writes.
ROOM = 4
FILL_SECONDS, CLEAR_SECONDS = 900, 300


class EtcdNospace(EtcdOutage):
    """The API refuses whatever is written, leases too; it reads and deletes, and pods and the database go on."""

    name = "etcd-nospace"
    about = "etcd is filled up to its quota, so that it refuses writes (alarm NOSPACE)"
    order = 45
    held_seconds = 5
    #: A snapshot with its proof, and three members of the largest database that is filled.
    recovery_seconds = 900
    commands = ("paas ssh {machine} sudo journalctl -u etcd -n 20", "paas etcd defragment")

    quota: int
    """In bytes; known after `choose`."""

    def choose(self) -> None:
        """Looks at the quota, and whether every member has room for a full database. Raises DrillError, SshError."""
        quotas = {self._ask(member, "sed -n s/^ETCD_QUOTA_BACKEND_BYTES=//p /etc/etcd/etcd.env") for member in
                  self.victims()}  # fmt: skip
        self.quota = max(quotas)
        if self.quota > LARGEST_QUOTA:
            most = LARGEST_QUOTA // MIB
            raise DrillError(f"etcd.quota is {self.quota // MIB} MiB, and filling more than {most} MiB takes too long")
        for member in self.victims():
            free = self._ask(member, "sudo df --output=avail --block-size=1 /var/lib/etcd | tail -n 1")
            if free < ROOM * self.quota:
                raise DrillError(
                    f"{member.name}: {free // MIB} MiB are free, and a full database with its snapshot needs "
                    f"{ROOM * self.quota // MIB} MiB"
                )

    def _ask(self, member: Machine, command: str) -> int:
        text = self.target.run(member, command).strip()
        try:
            return int(text)
        except ValueError as error:
            raise DrillError(f"{member.name}: `{command}` printed no number: {text}") from error

    def plan(self) -> list[str]:
        return [
            f"Keys under {PREFIX} are written on {self.names()} until etcd has its quota of {self.quota // MIB} MiB.",
            "From then on the API refuses whatever is written; it reads, and pods and the database go on.",
            "Then the keys are deleted, and `paas etcd defragment` gives the room back and ends the alarm.",
        ]

    def fault(self) -> None:
        """Small values: etcd keeps the last 5000 requests in memory."""
        began = time.monotonic()
        self._script("fill", FILL_SECONDS)
        self.figures["full after"] = round(time.monotonic() - began, 1)

    def repair(self) -> None:
        """Both parts find nothing to do the second time."""
        began = time.monotonic()
        self._script("clear", CLEAR_SECONDS)
        with self.target.ssh() as ssh:
            cli.defragment(self.target.outputs, ssh)
        self.figures["room again after"] = round(time.monotonic() - began, 1)

    def _script(self, word: str, seconds: int) -> None:
        """On the first member; its standard input is the script. Raises SshError."""
        command = f"sudo --non-interactive python3 -I - {word} {PREFIX} {seconds}"
        text = (REMOTE / "etcd_fill.py").read_text()
        self.target.run(self.victims()[0], command, text, seconds + remote.SPARE_SECONDS)
