"""The power of machines, and of a whole compute host: off, on, and deletion through OpenStack."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import openstack
from openstack.exceptions import SDKException

from ops.drill.waiting import DrillError
from ops.shared.outputs import Machine

#: How long the cloud may take for one change of a machine, in seconds. A clean shutdown alone may take 60.
WAIT = 180


class Power(Protocol):
    """Who can switch machines off and on. `how` completes the sentence "the machine is ..."."""

    how: str

    def off(self, machine: Machine) -> None: ...
    def on(self, machine: Machine) -> None: ...
    def delete(self, machine: Machine) -> None: ...


class Host(Protocol):
    """A compute host that can be switched off from here, with everything on it: only a lab has such a thing."""

    def machines(self) -> list[str]: ...
    def off(self) -> None: ...
    def on(self) -> None: ...


@contextmanager
def _openstack_errors(what: str) -> Iterator[None]:
    try:
        yield
    except SDKException as error:
        raise DrillError(f"{what}: {error}") from error


class OpenStackPower:
    """Stops, starts and deletes servers as their owner. Credentials as for `pulumi up` (clouds.yaml, OS_*)."""

    how = "powered off through OpenStack, as `openstack server stop` does"

    def __init__(self) -> None:
        with _openstack_errors("no access to OpenStack, which must switch machines off and on"):
            self.compute: Any = openstack.connect().compute

    def _server(self, machine: Machine) -> Any:
        server = self.compute.find_server(machine.name, ignore_missing=True)
        return self.compute.get_server(server.id) if server else None

    def _wait(self, machine: Machine, status: str) -> None:
        with _openstack_errors(f"{machine.name}: not {status} within {WAIT} s"):
            self.compute.wait_for_server(self._server(machine), status=status, interval=1, wait=WAIT)

    def off(self, machine: Machine) -> None:
        """Asks for it and returns at once: what happens from here on is what the drill measures."""
        with _openstack_errors(f"{machine.name}: OpenStack does not stop it"):
            self.compute.stop_server(self._server(machine))

    def on(self, machine: Machine) -> None:
        """Runs afterwards, whatever it was before; nothing happens to one that was not stopped."""
        with _openstack_errors(f"{machine.name}: OpenStack does not start it"):
            server = self._server(machine)
            if server is None:
                raise DrillError(f"{machine.name}: OpenStack has no server of that name")
            if getattr(server, "task_state", None) == "powering-off":
                self._wait(machine, "SHUTOFF")
                server = self._server(machine)
            if server.status == "SHUTOFF":
                self.compute.start_server(server)
            elif server.status != "ACTIVE":
                self.compute.reboot_server(server, "HARD")
            self._wait(machine, "ACTIVE")

    def delete(self, machine: Machine) -> None:
        """Gone for good, with its disk."""
        with _openstack_errors(f"{machine.name}: OpenStack does not delete it"):
            server = self._server(machine)
            self.compute.delete_server(server)
            self.compute.wait_for_delete(server, interval=1, wait=WAIT)
