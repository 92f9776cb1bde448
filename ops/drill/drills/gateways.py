"""All gateways are lost at once: nobody comes in or out, and what is inside goes on."""

import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any, Final

from ops.drill.base import Drill
from ops.drill.probes.database import NumbersTable
from ops.drill.probes.http import ApiRead
from ops.drill.target import Target
from ops.drill.waiting import until
from ops.drill.workload import NAMESPACE, pod_spec
from ops.shared.cluster import REQUEST_SECONDS, ClusterError, asking
from ops.shared.outputs import Database

#: How long the API may take to answer outside once a gateway runs: it boots, and keepalived waits for others.
BACK_SECONDS: Final = 180
#: Database and user of the writer's own.
NAME: Final = "openstack_paas_inside"
POD: Final = "writer"
START_SECONDS: Final = 120

#: A connection a number, by the Service: a number is printed, with the time, once its commit has been answered.
_WRITE: Final = f"""
while number=$((number + 1)); do
    if mariadb --host "$SERVICE" --port "$PORT" --user {NAME} --connect-timeout 3 \\
        --execute "INSERT INTO {NAME}.writes VALUES ($number)"; then
        echo "$number $EPOCHREALTIME"
    fi
    sleep 0.25
done
"""


class InsideWriter:
    """A pod that writes to MariaDB's primary while nobody reaches it from outside, and its table."""

    def __init__(self, target: Target, database: Database) -> None:
        self.target, self.database = target, database
        self.table = NumbersTable(target.cluster, database, NAME)

    def make(self) -> None:
        """Table, user and pod; returns when some numbers have been acknowledged. Raises DrillError, ClusterError."""
        secret = {"metadata": {"name": POD}, "stringData": {"password": self.table.create()}}
        core, limit = self.target.core, {"_request_timeout": REQUEST_SECONDS}
        with asking("the pod that writes cannot be created"):
            primary = core.read_namespaced_pod(self.database.primary, self.database.namespace, **limit)
            image = next(each.image for each in primary.spec.containers if each.name == "mariadb")
            core.create_namespaced_secret(NAMESPACE, secret, **limit)
            core.create_namespaced_pod(NAMESPACE, self._pod(image), **limit)
        until(self._writes, "a pod writes to the database", START_SECONDS, 1)

    def _writes(self) -> bool:
        # There is no log before the pod has started.
        with suppress(ClusterError):
            return len(self.acknowledged()) >= 4
        return False

    def _pod(self, image: str) -> dict[str, Any]:
        password = {"secretKeyRef": {"name": POD, "key": "password"}}
        container = {
            "name": POD,
            "image": image,
            "command": ["bash", "-c", _WRITE],
            "env": [
                {"name": "SERVICE", "value": self.database.service},
                {"name": "PORT", "value": str(self.database.port)},
                {"name": "MYSQL_PWD", "valueFrom": password},
            ],
            "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
        }
        return {"metadata": {"name": POD}, "spec": pod_spec(container, restartPolicy="Never")}

    def acknowledged(self) -> dict[int, float]:
        """When each number was acknowledged, by the pod's clock. Raises ClusterError."""
        with asking(f"pod {NAMESPACE}/{POD}"):
            text = self.target.core.read_namespaced_pod_log(POD, NAMESPACE, _request_timeout=REQUEST_SECONDS)
        words = [line.split() for line in text.splitlines()]
        return {int(line[0]): float(line[1]) for line in words if len(line) == 2 and line[0].isdecimal()}

    def lost(self) -> set[int]:
        """What was acknowledged and is not in the table. Raises ClusterError."""
        return self.acknowledged().keys() - self.table.numbers()

    def longest_gap(self) -> float:
        """Seconds between the two acknowledged writes that lie furthest apart. Raises ClusterError."""
        return max((after - before for before, after in pairwise(sorted(self.acknowledged().values()))), default=0.0)


class GatewaysLoss(Drill):
    """Kubelets and kube-proxy reach an API server without gateways, so no node counts as lost and no pod is evicted."""

    name = "gateways"
    about = "all gateways are lost at once, and come back one by one"
    order = 45
    role = "gateway"
    at_least = 1
    why = "there is no gateway"
    detection_seconds = 60
    #: Longer than a node may be silent, and its pods may stay then (machines/kubernetes/kubeadm.py), together.
    held_seconds = 120
    recovery_seconds = 420
    commands = ("openstack server show {machine}", "kubectl get nodes", "kubectl get pods -A -o wide")

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.writer: InsideWriter | None = None
        self.before: dict[str, str] = {}
        self.all_off = False

    def refusals(self) -> Iterator[str]:
        """Nothing to lose, or no way back."""
        yield from super().refusals()
        if self.target.delete:
            yield "only `pulumi up` replaces deleted gateways, and it comes in through one of them"

    def plan(self) -> list[str]:
        return [
            f"{self.names()} lose their power together, for {self.held_seconds} s.",
            "Nothing comes in or out meanwhile; nobody outside reaches the API.",
            "Nodes stay Ready, pods stay where they are, and writes to the database go on inside the cluster.",
            "Then the gateways are switched on again, the first one alone until the API answers through it.",
        ]

    def fault(self) -> None:
        """Off together, once a pod writes inside."""
        if self.target.outputs.database:
            self.writer = InsideWriter(self.target, self.target.outputs.database)
            self.writer.make()
        self.before = self._pods()
        self.target.away.update(machine.name for machine in self.victims())
        self.on_victims(self.target.power.off)
        self.all_off = True

    def noticed_at(self) -> float | None:
        """A question from outside got no answer. (The API's own may, by a load balancer of the cloud.)"""
        failed = [probe.answers.first_bad(self.began) for probe in self.probes.values()]
        return min((moment for moment in failed if moment is not None), default=None)

    def repair(self) -> None:
        """The first one alone, until the API answers through it; then the others."""
        first, *others = self.victims()
        try:
            self.target.power.on(first)
            began = time.monotonic()
            self.target.away.discard(first.name)
            if self.all_off:
                good = self.probes[ApiRead.name].answers.good
                until(lambda: bool(good) and good[-1] > began, "the API answers outside", BACK_SECONDS, 0.1)
                self.figures["API outside after a gateway runs"] = good[-1] - began
        finally:
            for machine in others:
                self.target.power.on(machine)
                self.target.away.discard(machine.name)

    def failures(self) -> list[str]:
        """Pods that were evicted, and rows that are lost. Notes how long a pod had to wait for the database."""
        found = []
        present = self._pods()
        evicted = sorted(name for uid, name in self.before.items() if uid not in present)
        if evicted:
            found.append(f"{len(evicted)} of {len(self.before)} pods were evicted: {', '.join(evicted)}")
        if self.writer:
            lost = self.writer.lost()
            if lost:
                found.append(f"{len(lost)} writes that were acknowledged inside the cluster are lost")
            if gap := self.writer.longest_gap():
                self.figures["database write inside"] = gap
            # The pod goes with its namespace.
            self.writer.table.drop()
        return found

    def _pods(self) -> dict[str, str]:
        """Pods that nobody has asked to leave, by their ids, less those that end by themselves. Raises ClusterError."""
        with asking("pods"):
            pods = self.target.core.list_pod_for_all_namespaces(_request_timeout=REQUEST_SECONDS).items
        return {
            pod.metadata.uid: f"{pod.metadata.namespace}/{pod.metadata.name}"
            for pod in pods
            if pod.metadata.deletion_timestamp is None
            and not any(owner.kind == "Job" for owner in pod.metadata.owner_references or [])
        }
