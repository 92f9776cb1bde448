"""The Kubernetes API and commands in its pods, by the official client library."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import websocket
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL
from urllib3.exceptions import HTTPError

from ops.shared.outputs import Outputs

REQUEST_SECONDS = 10
CLIENT = ("mariadb", "--defaults-file=/run/mysqld/client.cnf", "--batch", "--skip-column-names", "--connect-timeout=5")
#: What the library raises when the API, or the way to it, fails.
FAILURES = (ApiException, HTTPError, OSError)

#: The library knows a certificate's temporary file by its name before it has written it: one client at a time.
_MAKING = threading.Lock()


class ClusterError(Exception):
    """The API or a pod gave no good answer."""


@dataclass(frozen=True)
class Node:
    """A node as the API sees it. `version` is its kubelet's, without the v."""

    name: str
    control_plane: bool
    version: str
    ready: bool
    reason: str
    """Why it is not ready, empty when it is."""


def message(error: Exception) -> str:
    """The first line of the library's message."""
    text = str(error)
    if isinstance(error, ApiException):
        # Status 0 means no answer at all; the reason says why.
        text = f"{error.status} {error.reason}" if error.status else str(error.reason)
    return text.split("\n", 1)[0]


def is_ready(thing: Any) -> bool:
    """Whether the condition Ready of a pod or node holds."""
    return any(one.type == "Ready" and one.status == "True" for one in thing.status.conditions or [])


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Turns a failure of the API into a ClusterError that begins with `what`."""
    try:
        yield
    except FAILURES as error:
        raise ClusterError(f"{what}: {message(error)}") from error


@contextmanager
def may_be_missing() -> Iterator[None]:
    """Continues when the API has no such object; every other failure passes."""
    try:
        yield
    except ApiException as error:
        if error.status != 404:
            raise


def connect(kubeconfig: Mapping[str, Any]) -> client.ApiClient:
    """A connection to the API that tries nothing twice."""
    settings = client.Configuration()
    settings.retries = False
    with _MAKING:
        return config.new_client_from_config_dict(kubeconfig, client_configuration=settings, persist_config=False)


class Cluster:
    """One cluster, reached with the administrator's kubeconfig from the outputs."""

    def __init__(self, outputs: Outputs) -> None:
        self.document: dict[str, Any] = yaml.safe_load(outputs.kubeconfig)
        self.endpoint = outputs.api_endpoint
        # The library opens its websockets without a limit of its own.
        websocket.setdefaulttimeout(REQUEST_SECONDS)

    def api_client(self) -> client.ApiClient:
        """A new connection for each use: stream() turns every request of its client into a websocket."""
        return connect(self.document)

    def nodes(self) -> list[Node]:
        """All nodes. Raises ClusterError."""
        with asking(f"{self.endpoint} does not list nodes"):
            found = client.CoreV1Api(self.api_client()).list_node(_request_timeout=REQUEST_SECONDS).items
        return [self._node(node) for node in found]

    @staticmethod
    def _node(node: Any) -> Node:
        state = next((one for one in node.status.conditions or [] if one.type == "Ready"), None)
        ready = state is not None and state.status == "True"
        return Node(
            name=node.metadata.name,
            control_plane="node-role.kubernetes.io/control-plane" in (node.metadata.labels or {}),
            version=node.status.node_info.kubelet_version.removeprefix("v"),
            ready=ready,
            reason="" if ready else (state.message if state else "it has not reported yet"),
        )

    def etcd_ready(self) -> None:
        """Whether the API server reaches its etcd. Raises ClusterError."""
        words = {"auth_settings": ["BearerToken"], "response_type": "str", "_request_timeout": REQUEST_SECONDS}
        with asking(f"{self.endpoint}/readyz/etcd"):
            self.api_client().call_api("/readyz/etcd", "GET", **words)

    def query(self, namespace: str, pod: str, statement: str) -> str:
        """Root's answer from a MariaDB pod, whose client reads the password from a file. Raises ClusterError."""
        with asking(f"pod {namespace}/{pod}"):
            answer = stream(
                client.CoreV1Api(self.api_client()).connect_get_namespaced_pod_exec,
                pod,
                namespace,
                container="mariadb",
                command=[*CLIENT, "--execute", statement],
                stdout=True,
                stderr=True,
                stdin=False,
                tty=False,
                _preload_content=False,
                _request_timeout=REQUEST_SECONDS,
            )
            answer.run_forever(timeout=REQUEST_SECONDS)
            unfinished = answer.is_open()
            text, errors, outcome = answer.read_stdout(), answer.read_stderr(), answer.read_channel(ERROR_CHANNEL)
            answer.close()
        if unfinished:
            raise ClusterError(f"pod {namespace}/{pod}: the client gave no answer within {REQUEST_SECONDS} s")
        status = yaml.safe_load(outcome) or {}
        if status.get("status") != "Success":
            reason = errors.strip() or status.get("message") or "the connection closed before the client ended"
            raise ClusterError(f"pod {namespace}/{pod}: {reason}")
        return str(text).strip()
