"""States, a project of OpenStack and an engine, as `ops recover` meets them."""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from ops.recover.cloud import Cloud, Found
from ops.recover.notes import Notes, RecoverError, Release
from ops.shared.cluster import ClusterError

PROJECT, OTHER_PROJECT = "p-ours", "p-theirs"
TAG = "openstack-paas:lab"
BEFORE, AFTER = "2026-11-28T10:00:00Z", "2026-11-28T12:00:30Z"
NETWORK = "urn:pulumi:lab::openstack-paas::openstack:networking/network:Network::private"
PORT = "openstack:networking/port:Port"
SERVER = "openstack:compute/instance:Instance"
RELEASE = "kubernetes:helm.sh/v3:Release"


def creating(kind: str, **inputs: Any) -> dict[str, Any]:
    """A pending creation as an exported deployment has it, of something in a network that was there at 12:00."""
    urn = f"urn:pulumi:lab::openstack-paas::{kind}::x"
    return {
        "type": "creating",
        "resource": {"type": kind, "urn": urn, "inputs": {"tags": [TAG], **inputs}, "dependencies": [NETWORK]},
    }


def state(*pending: dict[str, Any], known: tuple[str, ...] = (), resources: tuple[dict[str, Any], ...] = ()) -> Notes:
    """A state with a network, with what else it knows, and with notes."""
    network = {
        "urn": NETWORK,
        "type": "openstack:networking/network:Network",
        "id": "net",
        "created": "2026-11-28T12:00:00.123456789Z",
        "outputs": {"tenantId": PROJECT},
    }
    others = [{"urn": f"urn::{one}", "type": PORT, "id": one} for one in known]
    return Notes({"deployment": {"resources": [network, *others, *resources], "pending_operations": list(pending)}})


def thing(identity: str, name: str, **values: Any) -> Any:
    """Something in OpenStack: ours by everything that can be seen, where `values` do not say otherwise."""
    ours = {"project_id": PROJECT, "tags": [TAG], "created_at": AFTER, "device_id": "", "device_owner": ""}
    return SimpleNamespace(id=identity, name=name, **{**ours, **values})


class FakeOpenStack:
    """A connection whose every service lists what it is given, and keeps what is deleted."""

    def __init__(self, **listed: list[Any]) -> None:
        self.listed, self.deleted, self.asked = listed, list[str](), list[str]()
        self.on_delete: Callable[[], None] = lambda: None
        self.network = self.compute = self.load_balancer = self.block_storage = self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("delete_"):
            return self._delete
        return lambda **_: self.asked.append(name) or self.listed.get(name, [])

    def _delete(self, item: Any, cascade: bool = False) -> None:
        self.on_delete()
        self.deleted.append(f"{item.id} with all in it" if cascade else item.id)

    def wait_for_delete(self, *_: Any, **__: Any) -> None:
        """It is gone."""

    def remove_interface_from_router(self, router: str, port_id: str) -> None:
        """By its port."""
        self.deleted.append(f"{port_id} of {router}")


class FakeEngine:
    """An engine whose state is read from a list, the last one again and again; `held` is who has the lock."""

    def __init__(self, *states: Notes, held: str = "") -> None:
        self.states, self.held, self.did = list(states), held, list[str]()

    def export(self, secrets: bool = False) -> Notes:
        """The state as it is by now."""
        if secrets:
            return Notes({"deployment": {"resources": [KUBERNETES]}})
        self.did.append("export")
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def prove_idle(self, _: Notes) -> None:
        """Refuses while somebody has the lock."""
        self.did.append("lock")
        if self.held:
            raise RecoverError(f"locked by {self.held}")

    def clear_creations(self, _: Notes) -> None:
        """Drops the notes."""
        self.did.append("clear")


KUBERNETES = {
    "urn": "urn::kubernetes",
    "type": "pulumi:providers:kubernetes",
    "inputs": {"kubeconfig": {"4dabf18193072939515e22adb298388d": "secret", "plaintext": '"apiVersion: v1"'}},
}


class FakeHelm:
    """A cluster with a pending revision of each of `releases`; `away` is why its API does not answer."""

    def __init__(self, *releases: Release, away: str = "") -> None:
        self.releases, self.away, self.asked, self.forgotten = releases, away, tuple[Release, ...](), list[str]()

    def left_behind(self, releases: tuple[Release, ...]) -> list[Found]:
        """What was left of `releases`."""
        self.asked = releases
        if self.away:
            raise ClusterError(self.away)
        names = [f"{one.namespace}/{one.name}" for one in self.releases if one in releases]
        return [Found(f"the revision of {name}", name, partial(self.forgotten.append, name)) for name in names]


class Where:
    """OpenStack and the cluster; notes with what kubeconfig the cluster was asked."""

    def __init__(self, connection: FakeOpenStack | None = None, helm: FakeHelm | None = None) -> None:
        self.connection, self.records, self.kubeconfig = connection, helm or FakeHelm(), ""

    def cloud(self, _: Notes) -> Cloud:
        """The project; there is none where a test has made none."""
        assert self.connection is not None, "nobody was to ask OpenStack"
        return Cloud(self.connection, PROJECT)

    def helm(self, kubeconfig: str, releases: tuple[Release, ...]) -> list[Found]:
        """The cluster's records."""
        self.kubeconfig = kubeconfig
        return self.records.left_behind(releases)
