"""A remote command that runs the agent: its text, and the desired state on its standard input.

Previews show the text, and logs repeat it. It holds no value: it lists the parts of the desired state with digests, and
says of secret ones only that they are there.
"""

import base64
import dataclasses
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from agent import desired
from agent.installed import NAME
from machines.common.agent_archive import archive_name
from machines.common.templates import render_template

#: Where the archive is put, below the home of the user that Pulumi logs in as.
UPLOADS: Final = ".openstack-paas"


@dataclass(frozen=True)
class AgentCommand:
    """`command` of the agent for `role`, with `state`, the dataclass that it loads; the limit bounds the whole run.

    In a dataclass a field that is left out of repr() is secret.

    The agent itself is uploaded before. A command that is for an `installed` one runs after the `converge` of its
    machine, with the agent which that has left there. Another agent does not make such a command run again.
    """

    role: str
    state: Any
    command: str = "converge"
    limit_seconds: int = 900
    installed: bool = False

    def standard_input(self) -> str:
        """The desired state as base64 of gzip, whose bytes depend on nothing else: a state holds it twice."""
        text = json.dumps(dataclasses.asdict(self.state), ensure_ascii=False, separators=(",", ":"))
        return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")

    def script(self) -> str:
        """The text of the remote command."""
        agent = NAME if self.installed else archive_name()
        return render_template(
            "common/run-agent.sh.j2",
            agent=agent,
            uploads=UPLOADS,
            command=self.command,
            role=self.role,
            limit_seconds=self.limit_seconds,
            parts=list(_digests(self.state)),
        )


def _digests(state: Any, levels: int = 3, prefix: str = "") -> Iterator[str]:
    """A line for each part of the state that holds anything, so many levels deep, and deeper where secrets are."""
    for field in dataclasses.fields(state):
        value, name = getattr(state, field.name), f"{prefix}{field.name}"
        if not value and value is not False and value != 0:
            continue
        if not field.repr:
            yield f"{name} secret"
        elif dataclasses.is_dataclass(value) and (levels > 1 or any(desired.secrets(value))):
            yield from _digests(value, levels - 1, f"{name}.")
        else:
            content = json.dumps(_plain(value), sort_keys=True).encode()
            yield f"{name} {hashlib.sha256(content).hexdigest()[:8]}"
            if any(desired.secrets(value)):
                yield f"{name}[] secret"


def _plain(value: Any) -> Any:
    """Without secrets."""
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value) if field.repr}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
