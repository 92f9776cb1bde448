"""The objects of the database's Helm release in the cluster: ConfigMaps, Jobs, pods."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from kubernetes import client

from ops.shared.cluster import REQUEST_SECONDS, Cluster, ClusterError, asking, is_ready, may_be_missing
from ops.shared.errors import OpsError
from ops.shared.outputs import Database

#: Between two looks, in seconds.
PERIOD = 2.0
Answer = TypeVar("Answer")
_LIMIT = {"_request_timeout": REQUEST_SECONDS}


class DatabaseError(OpsError):
    """The database, or a Job for it, is not as it has to be; the message says what to do."""


@dataclass(frozen=True)
class Pod:
    """A pod as the API sees it."""

    name: str
    uid: str
    address: str
    ready: bool
    phase: str


class Release:
    """Everything is in the database's namespace, named after its StatefulSet. Methods raise ClusterError."""

    def __init__(self, cluster: Cluster, database: Database) -> None:
        self._cluster = cluster
        self.database = database
        self.namespace = database.namespace
        self.set = database.primary.rpartition("-")[0]

    def _core(self) -> Any:
        return client.CoreV1Api(self._cluster.api_client())

    def _batch(self) -> Any:
        return client.BatchV1Api(self._cluster.api_client())

    def configuration(self, name: str) -> dict[str, str] | None:
        """Content of the ConfigMap <set>-NAME; None without it."""
        name = f"{self.set}-{name}"
        with asking(f"ConfigMap {name}"), may_be_missing():
            return dict(self._core().read_namespaced_config_map(name, self.namespace, **_LIMIT).data or {})
        return None

    def remember(self, **state: str | None) -> None:
        """Changes keys of the ConfigMap <set>-state; None takes one away."""
        name = f"{self.set}-state"
        with asking(f"ConfigMap {name}"):
            self._core().patch_namespaced_config_map(name, self.namespace, {"data": state}, **_LIMIT)

    def schedule(self) -> str:
        """Of the CronJob that takes backups. Raises DatabaseError where there is none."""
        return str(self._cron("backup").spec.schedule)

    def _cron(self, name: str) -> Any:
        name = f"{self.set}-{name}"
        with asking(f"CronJob {name}"), may_be_missing():
            return self._batch().read_namespaced_cron_job(name, self.namespace, **_LIMIT)
        raise DatabaseError("this database has no backups: set backups.database.enabled and run `pulumi up`")

    def start(self, cron: str, job: str, environment: Mapping[str, str]) -> None:
        """A Job <set>-JOB by the template of the CronJob <set>-CRON; it replaces an earlier one of that name."""
        template = self._cron(cron).spec.job_template
        for container in template.spec.template.spec.containers:
            kept = [variable for variable in container.env if variable.name not in environment]
            container.env = kept + [client.V1EnvVar(name=name, value=value) for name, value in environment.items()]
        self.stop(job)
        name = f"{self.set}-{job}"
        metadata = client.V1ObjectMeta(name=name, labels=template.metadata and template.metadata.labels)
        with asking(f"Job {name}"):
            body = client.V1Job(metadata=metadata, spec=template.spec)
            self._batch().create_namespaced_job(self.namespace, body, **_LIMIT)

    def stop(self, job: str) -> None:
        """Deletes the Job <set>-JOB with its pods, and waits until they are gone."""
        name = f"{self.set}-{job}"
        with asking(f"Job {name}"), may_be_missing():
            self._batch().delete_namespaced_job(name, self.namespace, propagation_policy="Foreground", **_LIMIT)
        self.wait(f"Job {name} to end", lambda: not self.pods_of(job), 180)

    def pods_of(self, job: str) -> list[Pod]:
        """The pods of the Job <set>-JOB."""
        name = f"{self.set}-{job}"
        with asking(f"pods of Job {name}"):
            found = self._core().list_namespaced_pod(self.namespace, label_selector=f"job-name={name}", **_LIMIT)
        return [_pod(each) for each in found.items]

    def pod(self, name: str) -> Pod | None:
        """A pod, None while it does not exist."""
        with asking(f"pod {name}"), may_be_missing():
            return _pod(self._core().read_namespaced_pod(name, self.namespace, **_LIMIT))
        return None

    def replace(self, name: str, seconds: float) -> None:
        """Deletes a member's pod and waits until the next one is ready."""
        before = self.pod(name)
        if before:
            with asking(f"pod {name}"):
                self._core().delete_namespaced_pod(name, self.namespace, **_LIMIT)

        def back() -> bool:
            now = self.pod(name)
            return now is not None and now.ready and (before is None or now.uid != before.uid)

        self.wait(f"{name} to be ready (`kubectl -n {self.namespace} logs {name} -c prepare` says why)", back, seconds)

    def log(self, pod: str, container: str) -> list[str]:
        """The last lines of a container."""
        with asking(f"log of {pod}"):
            text = self._core().read_namespaced_pod_log(
                pod, self.namespace, container=container, tail_lines=5, **_LIMIT
            )
        return str(text).strip().splitlines()

    def query(self, pod: str, statement: str) -> str:
        """Root's answer from a member."""
        return self._cluster.query(self.namespace, pod, statement)

    def wait(self, what: str, ask: Callable[[], Answer], seconds: float) -> Answer:
        """Asks until the answer is true, and returns it; an API that does not answer for a moment counts as not yet.

        Raises DatabaseError, or the last ClusterError, after `seconds`.
        """
        limit = time.monotonic() + seconds
        while True:
            try:
                if answer := ask():
                    return answer
            except ClusterError:
                if time.monotonic() >= limit:
                    raise
            if time.monotonic() >= limit:
                raise DatabaseError(f"waited {seconds:.0f} s for {what}")
            time.sleep(PERIOD)


def _pod(found: Any) -> Pod:
    return Pod(
        found.metadata.name,
        found.metadata.uid,
        found.status.pod_ip or "",
        is_ready(found) and found.metadata.deletion_timestamp is None,
        found.status.phase or "",
    )
