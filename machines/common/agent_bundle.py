"""What one command of the agent brings to one machine: the agent itself, and the desired state.

Both travel on the standard input of a remote command, whose text previews show and logs repeat. It shows no
value: it lists the parts of the desired state with digests, and says of secret ones only that they are there.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from machines.common.agent_archive import agent_archive, digest_of
from machines.common.templates import render_template


class Secret(str):
    """A text of the desired state that nobody may see."""

    __slots__ = ()


@dataclass(frozen=True)
class AgentBundle:
    """`command` of the agent for `role`, with its desired state as plain data; `limit_seconds` bounds the whole run."""

    role: str
    state: Mapping[str, Any]
    command: str = "converge"
    limit_seconds: int = 900

    @property
    def agent(self) -> bytes:
        """The agent with what this role needs of it."""
        return agent_archive(f"agent.roles.{self.role.replace('-', '_')}")

    def standard_input(self) -> str:
        """A line with the desired state, a line with the agent: the shell reads the first one byte by byte."""
        state = json.dumps(self.state, ensure_ascii=False, separators=(",", ":"))
        return f"{_packed(state.encode())}\n{_packed(self.agent)}\n"

    def script(self) -> str:
        """The text of the remote command."""
        return render_template(
            "common/run-agent.sh.j2",
            agent=digest_of(self.agent),
            command=self.command,
            role=self.role,
            limit_seconds=self.limit_seconds,
            parts=list(_digests(self.state)),
        )


def _digests(state: Mapping[str, Any], levels: int = 2, prefix: str = "") -> Iterator[str]:
    """A line for each part of the state, two levels deep."""
    for name, value in sorted(state.items()):
        if isinstance(value, Mapping) and levels > 1:
            yield from _digests(value, levels - 1, f"{prefix}{name}.")
        elif isinstance(value, Secret):
            yield f"{prefix}{name} secret"
        else:
            content = json.dumps(_without_secrets(value), sort_keys=True).encode()
            yield f"{prefix}{name} {hashlib.sha256(content).hexdigest()[:8]}"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, Secret):
        return "secret"
    if isinstance(value, Mapping):
        return {name: _without_secrets(item) for name, item in value.items()}
    return [_without_secrets(item) for item in value] if isinstance(value, list | tuple) else value


def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode("ascii")
