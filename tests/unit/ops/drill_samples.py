"""A platform of the imagination for tests of drills: healthy until something fails in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ops.drill.base import Drill
from ops.drill.power import Power
from ops.drill.probes.probe import WriteProbe
from ops.drill.runner import Runner
from ops.drill.target import Target
from ops.drill.workload import Workload
from ops.proof.checks import Check
from ops.shared import outputs as stack_outputs
from ops.shared.cluster import Cluster, Node
from ops.shared.outputs import Machine, Outputs


def machine(name: str, role: str, address: str, public: str = "") -> dict[str, str]:
    """One entry of the inventory."""
    return {
        "name": name,
        "role": role,
        "address": address,
        "instanceId": f"id-of-{name}",
        "hostKeyFingerprint": "SHA256:x",
        "publicAddress": public,
    }


def outputs(counts: Mapping[str, int], database: bool = True, preset: str = "dev") -> Outputs:
    """Outputs of a platform with so many machines a role."""
    inventory = [
        machine(f"paas-{role}-{i}", role, f"10.0.{n}.{i}", f"203.0.113.{i}" if role == "gateway" else "")
        for n, (role, count) in enumerate(counts.items())
        for i in range(count)
    ]
    document: dict[str, Any] = {
        "apiEndpoint": "https://203.0.113.9:6443",
        "kubeconfig": "{}",
        "sshPrivateKey": "",
        "inventory": inventory,
        "versions": {"kubernetes": "1.34.2"},
        "preset": preset,
        "database": {},
    }
    if database:
        document["database"] = {
            "service": "mariadb-primary.database.svc.cluster.local",
            "namespace": "database",
            "primary": "mariadb-0",
            "replicas": ["mariadb-1"],
            "port": 3306,
        }
    return stack_outputs.parse(document)


#: Enough of everything to survive any drill.
LARGE = {"gateway": 2, "etcd": 3, "control-plane": 3, "worker": 2}


@dataclass
class FakeTarget(Target):
    """Health as the test says; what is done to it is kept in `events`."""

    events: list[str] = field(default_factory=list)
    sick: str = ""
    """Why the platform is not healthy, empty when it is."""

    def health(self, seconds: float) -> list[Check]:
        self.events.append("health")
        return [Check("nodes", not self.sick, self.sick or "all Ready")]

    def etcd_members(self) -> list[str]:
        return [machine.name for machine in self.outputs.role("etcd")]

    def etcd_leader(self) -> Machine:
        return self.outputs.machine("paas-etcd-1")

    def vip_holder(self) -> Machine:
        return self.outputs.machine("paas-gateway-1")

    def lease_holder(self, name: str) -> str:
        return "paas-control-plane-2_0b1c"

    def up(self) -> None:
        self.events.append("up")


class FakeCluster:
    """The nodes of the inventory, all Ready."""

    def __init__(self, known: Outputs) -> None:
        self.found = [Node(each.name, False, "1.34.2", True, "") for each in known.role("control-plane", "worker")]

    def nodes(self) -> list[Node]:
        return self.found


class FakePower:
    """Keeps what was asked of it."""

    how = "switched off"

    def __init__(self) -> None:
        self.done: list[str] = []

    def off(self, machine: Machine) -> None:
        self.done.append(f"off {machine.name}")

    def on(self, machine: Machine) -> None:
        self.done.append(f"on {machine.name}")

    def delete(self, machine: Machine) -> None:
        self.done.append(f"delete {machine.name}")


def target(counts: Mapping[str, int] = LARGE, **more: Any) -> FakeTarget:
    """A platform with so many machines a role."""
    known = outputs(counts, more.pop("database", True), more.pop("preset", "dev"))
    power = cast(Power, more.pop("power", FakePower()))
    return FakeTarget(known, "paas", cast(Cluster, FakeCluster(known)), power, **more)


class FakeWorkload:
    """The drill's own pods."""

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.busy = False

    def in_use(self) -> bool:
        return self.busy

    def make(self) -> None:
        self.events.append("make")

    def remove(self) -> None:
        self.events.append("remove")


class Numbers(WriteProbe):
    """Writes that are acknowledged as long as the platform is well."""

    name = "numbers"
    interval = 0.005

    def __init__(self, platform: FakeTarget) -> None:
        super().__init__()
        self.platform = platform
        self.forgotten: set[int] = set()
        self.removed = False

    def write(self, number: int) -> None:
        if self.platform.sick:
            raise OSError(self.platform.sick)

    def kept(self) -> set[int]:
        return self.numbers - self.forgotten

    def remove(self) -> None:
        self.removed = True


class Trial(Drill):
    """A failure that lasts until it is repaired."""

    name = "trial"
    held_seconds = 0.05
    detection_seconds = 1
    recovery_seconds = 0.2

    def __init__(self, platform: FakeTarget) -> None:
        super().__init__(platform)
        self.platform = platform
        self.fails: BaseException | None = None
        self.cures = True
        self.losses: list[str] = []

    def failures(self) -> list[str]:
        return self.losses

    def plan(self) -> list[str]:
        return ["It falls ill."]

    def fault(self) -> None:
        self.platform.events.append("fault")
        self.platform.sick = "ill"
        if self.fails:
            raise self.fails

    def noticed(self) -> bool:
        return bool(self.platform.sick)

    def repair(self) -> None:
        self.platform.events.append("repair")
        if self.cures:
            self.platform.sick = ""


def runner(drill: Trial, probe: Numbers) -> Runner:
    """The runner of a trial with one probe."""
    workload = cast(Workload, FakeWorkload(drill.platform.events))
    return Runner(drill, workload, lambda: [probe])
