"""What a member is asked to restore: given by `ops`, and noted on the machine until the restore is finished."""

import json
import re
from dataclasses import dataclass
from typing import Any

from agent.machine import Failed


@dataclass(frozen=True)
class RestorePlan:
    """`kind` says where the snapshot is: `here`, in this machine's own data (`survivor`), or the name of a place.

    `gone` are the members of which the user says that they will never come back.
    """

    id: str
    first: str
    kind: str
    name: str
    path: str
    encrypted: bool
    gone: tuple[str, ...]
    document: dict[str, Any]
    """All of it, as it was given."""

    @property
    def revision(self) -> int:
        """The revision of the planned snapshot, by its name; 0 where that says nothing."""
        found = re.search(r"-r(\d+)-", self.name or self.path)
        return int(found[1]) if found else 0


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
            document=document,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failed(f"what was given is not the plan of a restore: {type(error).__name__} {error}") from error
    if not re.fullmatch(r"[0-9TZ]+", plan.id):
        raise Failed("the plan has no id")
    return plan
