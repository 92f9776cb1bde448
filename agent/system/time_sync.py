"""The machine's clock: chrony with the time servers of the settings, or those that the cloud and the image have.

Certificates, tokens and leases are judged by the clock. etcd warns above a second between two members
(https://github.com/etcd-io/etcd/blob/main/server/etcdserver/api/rafthttp/probing_status.go), so half of it is allowed.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

from agent.machine import Failed, Machine, NotYet
from agent.system import files, services

UNIT: Final = "chrony.service"
CONFIGURATION: Final = "/etc/chrony/chrony.conf"
#: Seconds from the true time that a machine may be off.
OFFSET_SECONDS: Final = 0.5
#: Seconds for the first answers of the set servers, and of those that the image names: a closed site reaches none.
SET_SECONDS, IMAGE_SECONDS = 120, 15
#: Seconds for a running chrony to correct an offset: it changes the speed of the clock by a twelfth at most.
CORRECTION_SECONDS: Final = 60
#: The reference of a clock that follows itself ("local" in chrony.conf).
_ITSELF: Final = "7F7F0101"


@dataclass(frozen=True)
class TimeSync:
    """The whole of /etc/chrony/chrony.conf with the set servers. Empty: what the cloud and the image have stays."""

    configuration: str = ""


@dataclass(frozen=True)
class Tracking:
    """What chrony knows of the clock. `offset` and `error` in seconds: how far it is off, and how sure that is."""

    source: str
    stratum: int
    offset: float
    error: float

    def __str__(self) -> str:
        """For a reader."""
        offset, error = f"{self.offset * 1000:.1f} ms", f"{self.error * 1000:.1f} ms"
        return f"{offset} off {self.source} (stratum {self.stratum}, within {error})"


def apply(machine: Machine, wanted: TimeSync) -> None:
    """Starts chrony with the wanted servers. `check` says later whether the clock is right: that takes seconds.

    Raises Failed when chrony refuses the configuration; the old one then stays.
    """
    if container := container_kind(machine):
        # One clock for all: where a container may set it, several chronyds would pull at it.
        services.disable(machine, UNIT)
        machine.log(f"this machine is a container ({container}): its clock is its host's, which keeps the time for it")
        return
    # The image's own file is kept, and put back when no servers are set any more.
    path, original = machine.path(CONFIGURATION), machine.state / "chrony.conf.original"
    if wanted.configuration:
        if path.exists() and not original.exists():
            files.write(original, path.read_bytes())
        # Since chrony 4.0: reads the file, prints it and ends.
        accepted = partial(machine.run, "chronyd", "-p", "-f", seconds=20)
        files.install(machine, wanted.configuration, CONFIGURATION, check=accepted)
    elif original.exists():
        files.install(machine, original.read_bytes(), CONFIGURATION)
        original.unlink()
    services.apply(machine, UNIT, "restart", (CONFIGURATION,))


def check(machine: Machine, wanted: TimeSync) -> None:
    """Waits until the clock follows a time server and is right.

    Raises Failed when set servers do not answer, and when the clock is known to be wrong. Where the servers are only
    those of the image and none answers, as on a closed site, the log says so and the run goes on.
    """
    if container_kind(machine):
        machine.log("the clock is the host's: not checked here")
        return
    machine.unit = UNIT
    seconds = SET_SECONDS if wanted.configuration else IMAGE_SECONDS
    try:
        machine.retry_until(seconds, "the clock to follow a time server", lambda: tracking(machine))
    except Failed as failed:
        if wanted.configuration:
            asked = "Are the time servers of the settings right, and is UDP port 123 open to them?"
            raise Failed(f"{failed}. {asked}") from None
        machine.log(f"no time server answers, and nothing checks this clock ({failed}): set time servers; going on")
        return
    what = f"the clock to be right (within {OFFSET_SECONDS} s)"
    machine.log(f"the clock is {machine.retry_until(CORRECTION_SECONDS, what, lambda: _right(machine))}")


def _right(machine: Machine) -> Tracking:
    found = tracking(machine)
    if found.offset > OFFSET_SECONDS:
        raise NotYet(
            f"it is {found}, and is corrected slowly while programs run. `chronyc makestep` sets it at once: drain this"
            " machine before"
        )
    return found


def tracking(machine: Machine) -> Tracking:
    """What chrony says of the clock. Raises NotYet when it does not answer, or follows no server (yet).

    The fields are those of `chronyc tracking`, in that order (https://chrony-project.org/doc/4.3/chronyc.html).
    """
    ended = machine.run("chronyc", "-c", "-n", "tracking", seconds=10)
    fields = ended.output.strip().split(",")
    if not ended or len(fields) < 14:
        raise NotYet(ended.said)
    try:
        stratum, offset, delay, dispersion = int(fields[2]), *(float(fields[number]) for number in (4, 10, 11))
    except ValueError:
        raise NotYet(ended.said) from None
    if fields[13] == "Not synchronised" or stratum == 0 or fields[0] == _ITSELF:
        raise NotYet("chrony follows no server")
    # Half the way there and back, and what may have gathered since (RFC 5905, root distance).
    return Tracking(fields[1] or fields[0], stratum, abs(offset), dispersion + delay / 2)


def container_kind(machine: Machine) -> str:
    """The kind of container that this machine is, as systemd names it; nothing for a real or virtual machine."""
    ended = machine.run("systemd-detect-virt", "--container", seconds=10)
    return ended.output.strip() if ended else ""
