"""The lab's own supervisor, with its own socket and configuration. It keeps the daemons running."""

import http.client
import socket
import subprocess
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from dev.errors import DevError
from dev.lab import places
from dev.lab.command import tail, until
from dev.lab.processes import has_ended
from dev.lab.services import Service

SOCKET = places.RUN / "supervisor.sock"
CONFIGURATION_FILE = places.CONFIGURATION / "supervisord.conf"
UNREACHABLE = (OSError, xmlrpc.client.Error, http.client.HTTPException)
#: The daemons' whole environment: nothing of the caller's, and the marker by which `down` finds them.
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": str(places.STATE),
    "PYTHONUNBUFFERED": "1",
    "MALLOC_ARENA_MAX": "2",
    places.MARKER: str(places.STATE),
    # neutron's processes rename themselves. Without this they overwrite their environment, and so the marker.
    "SPT_NOENV": "1",
}


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(str(SOCKET))


class _Transport(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _Connection("localhost")


def client() -> Any:
    """A client of supervisor's API."""
    return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport()).supervisor


def alive() -> bool:
    """Whether supervisor answers."""
    try:
        return bool(client().getState()["statename"] == "RUNNING")
    except UNREACHABLE:
        return False


def ensure() -> None:
    """Start supervisor if needed and load the current configuration of every program. Changed programs are stopped."""
    if not alive():
        for stale in (SOCKET, places.RUN / "supervisord.pid"):
            stale.unlink(missing_ok=True)
        log = places.LOGS / "supervisord.out.log"
        with log.open("ab") as output:
            subprocess.Popen(
                ["/usr/bin/python3", "/usr/bin/supervisord", "--nodaemon", "-c", str(CONFIGURATION_FILE)],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        until(alive, "supervisor does not answer", 20, log)
        return
    supervisor = client()
    added, changed, removed = supervisor.reloadConfig()[0]
    for name in (*changed, *removed):
        supervisor.stopProcessGroup(name)
        supervisor.removeProcessGroup(name)
    for name in (*changed, *added):
        supervisor.addProcessGroup(name)


def states() -> dict[str, dict[str, Any]]:
    """The state of every program by its name; empty when supervisor is not running."""
    try:
        return {one["name"]: one for one in client().getAllProcessInfo()}
    except UNREACHABLE:
        return {}


def start(services: Iterable[Service], restart: frozenset[str] = frozenset()) -> list[Service]:
    """Start the services that are not running and restart those named. Returns what was started."""
    supervisor, known, started = client(), states(), []
    for service in services:
        state = known.get(service.program, {}).get("statename", "UNKNOWN")
        if state in ("RUNNING", "STARTING"):
            if service.name not in restart:
                continue
            supervisor.stopProcess(service.program)
        try:
            supervisor.startProcess(service.program, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                why = f"{fault.faultString}{tail(log_of(service))}"
                raise DevError(f"{service.program} cannot be started: {why}") from fault
        started.append(service)
    return started


def stop(services: Iterable[Service]) -> None:
    """Stop services and wait until they have ended."""
    for service in services:
        with suppress(xmlrpc.client.Fault):  # it was not running
            client().stopProcess(service.program)


def wait(services: Iterable[Service], limit: float) -> None:
    """Wait until each service runs, its port is open and its API answers."""
    for service in services:
        until(partial(works, service), f"{service.name} is not ready", limit, log_of(service))


def works(service: Service) -> bool:
    """Whether a service runs, its port is open and its API answers with anything but a server error.

    Raises DevError when supervisor has given up on it.
    """
    state = states().get(service.program, {}).get("statename", "UNKNOWN")
    if state == "FATAL":
        raise DevError(f"{service.name} keeps crashing{tail(log_of(service))}")
    if state != "RUNNING":
        return False
    try:
        if service.url:
            urllib.request.urlopen(service.url, timeout=5).close()
        elif service.port:
            socket.create_connection((service.address, service.port), timeout=2).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def log_of(service: Service) -> Path:
    """The file with the service's output."""
    return places.LOGS / f"{service.name}.log"


def shut_down() -> None:
    """Stop every program at once, then supervisor, within 30 seconds. The caller kills what is still running then."""
    try:
        number = int(client().getPID())
    except UNREACHABLE:
        return
    client().stopAllProcesses(False)
    ended = ("STOPPED", "EXITED", "FATAL", "UNKNOWN", "BACKOFF")
    until(lambda: all(one["statename"] in ended for one in states().values()), "the services did not stop", 20)
    client().shutdown()
    until(lambda: has_ended(number), "supervisor did not stop", 10)
