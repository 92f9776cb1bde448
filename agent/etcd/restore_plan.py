"""What a member is asked to restore: given by `ops`, and noted on the machine until the restore is finished."""

import json
import re
from dataclasses import dataclass

from agent.etcd.backup_settings import BackupSettings, CopyPlace
from agent.etcd.network import PEER_PORT, Network, is_healthy
from agent.etcd_api import PortState
from agent.machine import Failed


@dataclass(frozen=True)
class RestorePlan:
    """`kind` is where the snapshot is: `here`, in this machine's own data (`survivor`), or the name of a place; `gone`
    are members that never come back, as the user says."""

    id: str
    first: str
    kind: str
    name: str
    path: str
    encrypted: bool
    gone: tuple[str, ...]

    @property
    def revision(self) -> int:
        """The revision of the planned snapshot, by its name; 0 where that says nothing."""
        found = re.search(r"-r(\d+)-", self.name or self.path)
        return int(found[1]) if found else 0

    def place(self, settings: BackupSettings) -> CopyPlace | None:
        """Where the snapshot is, when that is off the machine. Raises Failed when the settings do not name it."""
        if self.kind in ("here", "survivor"):
            return None
        for place in settings.places:
            if place.name == self.kind:
                return place
        raise Failed(f"the settings name no place {self.kind} (backups.copyTo)")


def parse(text: str) -> RestorePlan:
    """From JSON. Raises Failed where it is not a plan."""
    try:
        document = json.loads(text)
        source = document["source"]
        plan = RestorePlan(
            id=str(document["id"]),
            first=str(document.get("first", "")),
            kind=str(source["kind"]),
            name=str(source.get("name", "")),
            path=str(source.get("path", "")),
            encrypted=source.get("encrypted") is True,
            gone=tuple(map(str, document.get("gone", ()))),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failed(f"what was given is not the plan of a restore: {type(error).__name__} {error}") from error
    if not re.fullmatch(r"[0-9TZ]+", plan.id):
        raise Failed("the plan has no id")
    return plan


def refuse_majority(settings: BackupSettings, network: Network, plan: RestorePlan) -> None:
    """Raises Failed where other members serve with a majority of the old cluster, or could.

    It is asked whenever data is about to be put in place, for a restore that was interrupted may go on days later. A
    member is known to be stopped when its machine refuses connections, and to be gone when the user says so and it is
    silent. One that is neither may run or come back.
    """
    feared, healthy = [], []
    for other in settings.members:
        if other.name == settings.name:
            continue
        state = network.port_state(other.address, PEER_PORT)
        if state is PortState.REFUSED or (state is PortState.SILENT and other.name in plan.gone):
            continue
        feared.append(other.name)
        if state is PortState.OPEN and is_healthy(network.api(other.client_url)):
            healthy.append(other.name)
    if healthy:
        raise Failed(
            f"{' and '.join(healthy)} serve{'s' if len(healthy) == 1 else ''} with a majority of the old cluster: with "
            "this member's data in place there would be two clusters. Stop etcd there by `paas etcd restore`, which "
            "stops all members that it reaches"
        )
    if len(feared) > len(settings.members) // 2:
        raise Failed(
            f"{', '.join(feared)} are not known to be stopped, and together they would be a majority of the old "
            "cluster: two clusters could run. Bring them back, or confirm that they are gone for good with --gone NAME"
        )
