"""What these modules need of others: the API of Kubernetes, etcd, packages, and changes of a node that runs.

The names are those of the modules that do it. Tests have fakes of them.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from agent.kubernetes_api import KubernetesApi


class Apis(Protocol):
    """The API by who asks (agent/kubernetes/apis.py)."""

    def anonymous(self, endpoint: str) -> KubernetesApi: ...
    def kubelet(self) -> KubernetesApi: ...
    def joining(self) -> KubernetesApi: ...
    def admin(self, endpoint: str = "") -> KubernetesApi: ...


class Packages(Protocol):
    """Packages of this machine that wait for its turn (agent/system/packages.py)."""

    def download_waiting(self) -> None: ...
    def change(self, *names: str) -> None: ...


class Maintenance(Protocol):
    """Epochs, and what waits (agent/system/maintenance.py)."""

    epoch: str

    def epoch_waits(self) -> bool: ...
    def what_waits(self, *names: str) -> str: ...
    def fetch(self) -> None: ...
    def renew(self) -> None: ...
    def end_epoch(self) -> None: ...
    def renew_new_machine(self) -> None: ...


class Rollout(Protocol):
    """Changes of a node that runs (agent/kubernetes/rollout.py)."""

    def begin(self, what: str, drained: bool = False) -> None: ...
    def end(self) -> None: ...


class Lock(Protocol):
    """A lock in etcd that this run holds; `check` raises LockLost."""

    def check(self) -> None: ...


class Store(Protocol):
    """The part of etcd's API that control planes use (agent/etcd_api.py)."""

    def get(self, key: str) -> bytes | None: ...
    def keys(self, prefix: str) -> tuple[str, ...]: ...
    def put(self, key: str, value: str) -> None: ...
    def delete(self, key: str) -> None: ...
    def lock(self, name: str, wait_seconds: float, ttl: int = 30) -> AbstractContextManager[Lock]: ...


class Common(Protocol):
    """What every machine has, whatever its role."""

    def prepare_machine(self) -> None: ...
    def apply_firewall(self) -> None: ...


@dataclass(frozen=True)
class Parts:
    """What a role of the cluster needs of other modules."""

    apis: Apis
    packages: Packages
    maintenance: Maintenance
    common: Common
