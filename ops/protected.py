"""What is protected in a stack, by which key of its file, and how to lift that: asked before `pulumi destroy`.

The engine refuses to remove a protected resource too. It names the resource and not the key; and without its preview it
has removed other resources by then.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Final

from ops.shared import pulumi
from ops.shared.options import add_stack

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


def describe(urn: str) -> tuple[str, str]:
    """The key below `protection` that protects a URN's resource (empty: none), and the resource's type and name."""
    _, _, chain, name = urn.removeprefix("urn:pulumi:").split("::", 3)
    types = chain.split("$")
    return next((key for kind, key in _KEYS.items() if kind in types), ""), f"{types[-1].split(':')[-1]} {name}"


def is_refusal(message: str) -> bool:
    """Whether the engine's message is about protection."""
    return any(words in message for words in _REFUSALS)


def how_to_lift(urns: Iterable[str]) -> str:
    """Which keys protect what, and what to do."""
    by_key: dict[str, list[str]] = {}
    for key, what in map(describe, urns):
        by_key.setdefault(key, []).append(what)
    lines = []
    for key, names in sorted(by_key.items()):
        title = f"protection.{key}" if key else "set by hand (pulumi state protect)"
        lines.append(f"  {title}: {', '.join(sorted(names))}")
    if keys := sorted(filter(None, by_key)):
        switches = ", ".join(f"{key}: false" for key in keys)
        lines += [
            "To remove or replace it, set in the stack's file",
            f"  openstack-paas:protection: {{{switches}}}",
            "then run `pulumi up`, which changes nothing but that, and then the same command again.",
        ]
    if "" in by_key:
        lines.append("What was protected by hand is freed by `pulumi state unprotect URN`.")
    return "\n".join(lines)


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    add_stack(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """1 when something is protected, which it names."""
    deployment = json.loads(pulumi.run("stack", "export", stack=arguments.stack)).get("deployment") or {}
    # Less the components around them.
    found = [one["urn"] for one in deployment.get("resources") or [] if one.get("protect") and one.get("custom")]
    if not found:
        return 0
    sys.stderr.write(f"{len(found)} resources of the stack are protected; nothing was touched:\n{how_to_lift(found)}\n")
    return 1
