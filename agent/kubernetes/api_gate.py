"""Waits until the cluster can be used, so that what needs an API can start."""

from dataclasses import dataclass
from typing import Final

from agent.kubernetes_api import CLUSTER_INFO, KubernetesApi, probing
from agent.machine import Machine
from agent.system import files

#: Seconds for one look.
_LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True)
class ApiGate:
    """The API at `endpoint` (host:port), whose certificate `ca` (PEM) has signed, and the seconds that it may take."""

    endpoint: str
    seconds: int
    ca: str


def wait_until_usable(machine: Machine, gate: ApiGate) -> None:
    """Until `cluster-info` is there: an API server that is ready before refuses administrators. Raises Failed."""
    machine.step_name = "api-gate"
    began = machine.clock.monotonic()
    with machine.work_folder() as folder:
        files.write(folder / "ca.crt", gate.ca)
        api = KubernetesApi(gate.endpoint, machine.clock, folder / "ca.crt")

        def look() -> None:
            with probing():
                api.request("GET", CLUSTER_INFO, seconds=_LOOK_SECONDS)

        machine.retry_until(gate.seconds, f"the API at https://{gate.endpoint} to be usable", look)
    machine.log(f"the API at https://{gate.endpoint} is usable after {machine.clock.monotonic() - began:.0f} s")
