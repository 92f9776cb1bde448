"""Asks machines, API and database, all at once, each with a limit of its own."""

from __future__ import annotations

import json
import logging
import re
import shlex
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from ops.shared.cluster import Cluster, ClusterError, message
from ops.shared.outputs import Machine, Outputs
from ops.shared.ssh import Ssh, SshError
from ops.status import database, machine_report
from ops.status.machine_report import MachineReport
from ops.status.parallel import Questions
from ops.status.report import Raw

SCRIPT = Path(__file__).parents[1] / "remote" / "status.sh"
#: Limit of everything that goes by SSH, in seconds: a base, and this machine's processor time for each machine asked.
MACHINES_SECONDS, SECONDS_A_MACHINE = 12.0, 0.1
#: Limit of everything that goes by the API.
API_SECONDS = 9.0
#: Limits of one step. No question on a machine takes longer than 6 s (status.sh).
CONNECT_SECONDS, SCRIPT_SECONDS, REQUEST_SECONDS = 4.0, 8.0, 6.0

#: Paths of the API by question. A 404 is an answer for those of `_MAY_BE_MISSING`: an empty one.
_PATHS = {
    "ready": "/readyz",
    "nodes": "/api/v1/nodes",
    "pods": "/api/v1/pods?fieldSelector=status.phase!=Succeeded",
}
_MAY_BE_MISSING = {"backups", "schedule"}


def gather(outputs: Outputs) -> Raw:
    """Never raises: what fails is in the answer."""
    machines: Questions[str] = Questions(MACHINES_SECONDS + SECONDS_A_MACHINE * len(outputs.inventory))
    api: Questions[str] = Questions(API_SECONDS)
    pods: Questions[str] = Questions(API_SECONDS)
    # What it logs of a machine that is away is in that machine's row.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL)
    ways = _Ways(outputs)
    for machine in outputs.inventory:
        machines.ask(machine.name, _on(machine, ways))
    cluster = Cluster(outputs)
    for name, path in _paths(outputs).items():
        api.ask(name, _get(cluster, path, name in _MAY_BE_MISSING))
    if outputs.database:
        for pod in (outputs.database.primary, *outputs.database.replicas):
            pods.ask(pod, _query(cluster, outputs.database.namespace, pod))
    answers, errors = api.answers()
    members, no_members = pods.answers()
    reports, silent = machines.answers()
    ways.close()
    looks = [_look(machine, reports, silent) for machine in outputs.inventory]
    return Raw(tuple(looks), answers, members, {**errors, **no_members})


def _paths(outputs: Outputs) -> dict[str, str]:
    paths = dict(_PATHS)
    if outputs.database:
        name, namespace = outputs.database.primary.rpartition("-")[0], outputs.database.namespace
        paths["backups"] = f"/api/v1/namespaces/{namespace}/configmaps/{name}-backups"
        paths["schedule"] = f"/apis/batch/v1/namespaces/{namespace}/cronjobs/{name}-backup"
    return paths


def _look(machine: Machine, reports: dict[str, str], silent: dict[str, str]) -> MachineReport:
    if machine.name in reports:
        return machine_report.parse(machine, reports[machine.name])
    problem = silent[machine.name]
    return MachineReport(machine, problem=plain(problem.removeprefix(f"{machine.name}: ")))


def _on(machine: Machine, ways: _Ways) -> Callable[[], str]:
    command = shlex.join(["sudo", "--non-interactive", "bash", "-s", "--", machine.role])

    def run() -> str:
        return ways.to(machine).run(machine, command, SCRIPT.read_text(), SCRIPT_SECONDS)

    return run


def _get(cluster: Cluster, path: str, may_be_missing: bool) -> Callable[[], str]:
    def get() -> str:
        try:
            answer: Any = cluster.api_client().call_api(
                path,
                "GET",
                auth_settings=["BearerToken"],
                _preload_content=False,
                _return_http_data_only=True,
                _request_timeout=(CONNECT_SECONDS, REQUEST_SECONDS),
            )
        except ApiException as error:
            if error.status == 404 and may_be_missing:
                return ""
            raise ClusterError(message(error)) from error
        except (HTTPError, OSError) as error:
            raise ClusterError(message(error)) from error
        return str(answer.data.decode())

    return get


def _query(cluster: Cluster, namespace: str, pod: str) -> Callable[[], str]:
    def query() -> str:
        try:
            return cluster.query(namespace, pod, database.QUESTION)
        except ClusterError as error:
            raise ClusterError(plain(str(error).removeprefix(f"pod {namespace}/{pod}: "))) from error

    return query


def plain(text: str) -> str:
    """What libraries say of a failure, without their own forms around it."""
    # Of a refused websocket: status, headers and body, the body often an object of the API.
    words = text.rpartition("-+-+- ")[2]
    with suppress(ValueError, KeyError, TypeError):
        words = str(json.loads(words)["message"])
    return re.sub(r"ChannelException\(\d+, '(.*)'\)", r"\1", words).replace("[Errno None] ", "")


class _Ways:
    """Ways in: gateways by their own addresses, and the one that holds the VIP; whichever answers first leads on."""

    def __init__(self, outputs: Outputs) -> None:
        self._outputs = outputs
        gateways = [gateway for gateway in outputs.role("gateway") if gateway.public_address]
        self._connections: list[Ssh] = []
        self._lock = threading.Lock()
        self._tried: list[Future[Ssh]] = []
        for through in (*gateways, None):
            future: Future[Ssh] = Future()
            self._tried.append(future)
            threading.Thread(target=self._try, args=(through, future), daemon=True).start()

    def _try(self, through: Machine | None, future: Future[Ssh]) -> None:
        try:
            ssh = self._new(through)
            ssh.reach()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(ssh)

    def _new(self, through: Machine | None) -> Ssh:
        ssh = Ssh(self._outputs, through, CONNECT_SECONDS)
        with self._lock:
            self._connections.append(ssh)
        return ssh

    def to(self, machine: Machine) -> Ssh:
        """Connections that lead to the machine. Raises SshError."""
        if machine.public_address:
            return self._new(None)
        waiting = set(self._tried)
        while waiting:
            done, waiting = wait(waiting, 2 * CONNECT_SECONDS, FIRST_COMPLETED)
            if not done:
                break
            for future in done:
                if not future.exception():
                    return future.result()
        raise SshError(f"{machine.name}: no gateway leads to it")

    def close(self) -> None:
        """Ends all connections; those that still hang end with the process."""
        with self._lock:
            for ssh in self._connections:
                ssh.close()
