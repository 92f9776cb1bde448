"""What of a stack is protected, under which key of its file, and how that is lifted: asked before `pulumi destroy`.

The engine refuses to remove a protected resource too. It names the resource and not the key; and without its preview it
has removed other resources by then.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ops.shared import pulumi
from ops.shared.options import Commands, add_stack

#: Component types in a resource's URN, and the key of the stack's file that protects what is below them.
_KEYS: Final = {
    "openstack-paas:etcd:EtcdCluster": "etcd",
    "openstack-paas:addons:MariaDb": "database",
    "openstack-paas:kubernetes:WorkerPool": "database",
    "openstack-paas:network:Network": "vips",
    "openstack-paas:network:LoadBalancer": "vips",
    "openstack-paas:gateway:Gateways": "vips",
}

#: What the engine says when it refuses to remove or replace something (pulumi/pkg: resource/deploy).
_REFUSALS: Final = ("cannot be deleted\nbecause it is protected", "currently marked for protection")


@dataclass(frozen=True)
class Protected:
    """A protected resource: the last part of its type, its name, and its key below `protection` (empty: no key)."""

    kind: str
    name: str
    key: str


def describe(urn: str) -> Protected:
    """The resource of a URN, with the key that protects it."""
    _, _, chain, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    key = next((key for kind, key in _KEYS.items() if kind in chain.split("$")), "")
    return Protected(chain.split("$")[-1].split(":")[-1], name, key)


def protected(deployment: Mapping[str, Any]) -> list[Protected]:
    """The protected resources of an exported deployment, less the components around them."""
    resources = deployment.get("resources") or []
    return [describe(item["urn"]) for item in resources if item.get("protect") and item.get("custom")]


def is_refusal(message: str) -> bool:
    """Whether the engine's message is about protection."""
    return any(words in message for words in _REFUSALS)


def how_to_lift(found: Iterable[Protected]) -> str:
    """Which keys protect what, and what to do."""
    by_key: dict[str, list[str]] = {}
    for item in found:
        by_key.setdefault(item.key, []).append(f"{item.kind} {item.name}")
    lines = []
    for key, names in sorted(by_key.items()):
        title = f"protection.{key}" if key else "set by hand (pulumi state protect)"
        lines.append(f"  {title}: {', '.join(sorted(names))}")
    keys = sorted(key for key in by_key if key)
    if keys:
        switches = ", ".join(f"{key}: false" for key in keys)
        lines += [
            "To remove or replace it, set in the stack's file",
            f"  openstack-paas:protection: {{{switches}}}",
            "then run `pulumi up`, which changes nothing but that, and then the same command again.",
        ]
    if "" in by_key:
        lines.append("What was protected by hand is freed by `pulumi state unprotect URN`.")
    return "\n".join(lines)


def _deployment(stack: str | None) -> dict[str, Any]:
    return dict(json.loads(pulumi.run("stack", "export", stack=stack)).get("deployment") or {})


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("protected", help="what is protected from removal, and how that is lifted")
    add_stack(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """1 when something is protected, which it names."""
    found = protected(_deployment(arguments.stack))
    if not found:
        return 0
    sys.stderr.write(f"{len(found)} resources of the stack are protected; nothing was touched:\n{how_to_lift(found)}\n")
    return 1
