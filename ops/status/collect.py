"""Asks machines, API and database, all at once, each within its own time limit."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, as_completed, wait
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

from kubernetes.client.exceptions import ApiException

from ops.shared.cluster import FAILURES, Cluster, ClusterError, message
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import Ssh, SshError
from ops.status import database, machine_report
from ops.status.machine_report import MachineReport
from ops.status.report import Raw

AGENT = "/opt/openstack-paas/agent.pyz"
#: Limit of everything that goes by SSH, in seconds: a base, and this machine's processor time for each machine asked.
MACHINES_SECONDS, SECONDS_A_MACHINE = 12.0, 0.1
#: Limit of everything that goes by the API.
API_SECONDS = 9.0
#: Limits of one step. No question on a machine takes longer than 6 s (agent/status.py).
CONNECT_SECONDS, AGENT_SECONDS, REQUEST_SECONDS = 4.0, 8.0, 6.0
#: So many questions of one kind run at once; the others wait, within the same limit.
AT_ONCE = 64

T = TypeVar("T")


class Questions(Generic[T]):
    """Questions that nothing holds up: `answers` returns at the deadline, whatever hangs by then."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._deadline = seconds, time.monotonic() + seconds
        self._places = threading.BoundedSemaphore(AT_ONCE)
        self._asked: dict[str, Future[T]] = {}

    def ask(self, name: str, question: Callable[[], T]) -> Future[T]:
        """Begins; the Future is for questions that need this one's answer."""
        future = self._asked[name] = Future[T]()

        def answer() -> None:
            try:
                with self._places:
                    future.set_result(question())
            except BaseException as error:
                # Whatever it is becomes a line on the screen.
                future.set_exception(error)

        # Not a pool: Python would wait for its threads at exit, also for those that hang.
        threading.Thread(target=answer, name=f"status {name}", daemon=True).start()
        return future

    def answers(self) -> tuple[dict[str, T], dict[str, str]]:
        """Answers by name, and by name the reason where there is none. Waits until the deadline at most."""
        values: dict[str, T] = {}
        errors: dict[str, str] = {}
        done, _ = wait(self._asked.values(), max(self._deadline - time.monotonic(), 0.1))
        for name, future in self._asked.items():
            if future not in done:
                errors[name] = f"no answer within {self._seconds:.0f} s"
            elif error := future.exception():
                errors[name] = " ".join(str(error).split()) or type(error).__name__
            else:
                values[name] = future.result()
        return values, errors


class _Ways:
    """Ways in: gateways by their own addresses, and the one that holds the VIP; whichever answers first is used."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        self._connections: list[Ssh] = []
        gateways = [gateway for gateway in outputs.role("gateway") if gateway.public_address]
        tries = Questions[Ssh](MACHINES_SECONDS)
        self._tried = [tries.ask(str(number), partial(self._try, way)) for number, way in enumerate([*gateways, None])]

    def _try(self, through: Machine | None) -> Ssh:
        ssh = self._new(through)
        ssh.reach()
        return ssh

    def _new(self, through: Machine | None) -> Ssh:
        ssh = Ssh(self._outputs, through, CONNECT_SECONDS)
        self._connections.append(ssh)
        return ssh

    def to(self, machine: Machine) -> Ssh:
        """Connections that lead to the machine. Raises SshError."""
        if machine.public_address:
            return self._new(None)
        with suppress(TimeoutError):
            # To connect, to greet and to log in have a limit each.
            for way in as_completed(self._tried, 3 * CONNECT_SECONDS):
                if not way.exception():
                    return way.result()
        raise SshError(f"{machine.name}: no gateway leads to it")

    def close(self) -> None:
        """Ends all connections; those that still hang end with the process."""
        for ssh in list(self._connections):
            ssh.close()


def gather(outputs: Outputs) -> Raw:
    """Never raises: what fails is in the answer."""
    # What paramiko logs about a machine that is away is in that machine's row.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    machines = Questions[str](MACHINES_SECONDS + SECONDS_A_MACHINE * len(outputs.inventory))
    others = Questions[str](API_SECONDS)
    ways, cluster = _Ways(outputs), Cluster(outputs)
    for machine in outputs.inventory:
        machines.ask(machine.name, partial(_ask_agent, ways, machine))
    paths = {
        "ready": "/readyz",
        "nodes": "/api/v1/nodes",
        "pods": "/api/v1/pods?fieldSelector=status.phase!=Succeeded",
    }
    if outputs.database:
        namespace, primary = outputs.database.namespace, outputs.database.primary
        name = primary.rpartition("-")[0]
        paths["backups"] = f"/api/v1/namespaces/{namespace}/configmaps/{name}-backups"
        paths["schedule"] = f"/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}-backup"
        for pod in (primary, *outputs.database.replicas):
            others.ask(pod, partial(cluster.query, namespace, pod, database.QUESTION))
    for question, path in paths.items():
        others.ask(question, partial(_get, cluster, path))
    answers, errors = others.answers()
    texts, silent = machines.answers()
    ways.close()
    reports = [
        machine_report.parse(machine, texts[machine.name])
        if machine.name in texts
        else MachineReport(machine, problem=plain(silent[machine.name].removeprefix(f"{machine.name}: ")))
        for machine in outputs.inventory
    ]
    return Raw(tuple(reports), answers, {name: plain(error) for name, error in errors.items()})


def _ask_agent(ways: _Ways, machine: Machine) -> str:
    command = f"sudo --non-interactive python3 -I {AGENT} status {machine.role} {AGENT_SECONDS:.0f}"
    try:
        return ways.to(machine).run(machine, command, seconds=AGENT_SECONDS + 2)
    except SshError as error:
        # Python cannot open the archive, or the archive does not know the command.
        if "can't open file" in str(error) or "usage: agent" in str(error):
            raise SshError("it has no agent of this release: run `pulumi up`") from error
        raise


def _get(cluster: Cluster, path: str) -> str:
    """The text at a path of the API; empty for an object of a namespace that does not exist. Raises ClusterError."""
    try:
        answer: Any = cluster.api_client().call_api(
            path,
            "GET",
            auth_settings=["BearerToken"],
            _preload_content=False,
            _return_http_data_only=True,
            _request_timeout=(CONNECT_SECONDS, REQUEST_SECONDS),
        )
    except FAILURES as error:
        if isinstance(error, ApiException) and error.status == 404 and "/namespaces/" in path:
            return ""
        raise ClusterError(message(error)) from error
    return str(answer.data.decode())


def plain(text: str) -> str:
    """What libraries say of a failure, without what they wrap around it."""
    # Of a refused websocket: status, headers and body, the body often an object of the API.
    words = re.sub(r"^pod \S+: ", "", text.rpartition("-+-+- ")[2])
    with suppress(ValueError, KeyError, TypeError):
        words = str(json.loads(words)["message"])
    return re.sub(r"ChannelException\(\d+, '(.*)'\)", r"\1", words).replace("[Errno None] ", "")
