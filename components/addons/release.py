"""What every addon's release has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import ResourceOptions
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from settings.mirrors import MirrorSettings


@dataclass(frozen=True)
class Chart:
    """A pinned chart: its name, version, and where it comes from without a mirror (a repository's URL or oci://...)."""

    name: str
    version: str
    upstream: str

    def source(self, mirrors: MirrorSettings) -> dict[str, Any]:
        """`chart`, `version` and `repository_opts` of a Release."""
        root = mirrors.charts or (self.upstream if self.upstream.startswith("oci://") else None)
        if root:
            return {"chart": f"{root.rstrip('/')}/{self.name}", "version": self.version}
        return {
            "chart": self.name,
            "version": self.version,
            "repository_opts": RepositoryOptsArgs(repo=self.upstream),
        }


@dataclass(frozen=True)
class AddonArgs:
    """The cluster's provider, the resource with which it dies, and what has to be there first.

    `alive_with` lets `pulumi destroy` skip the release: the machines go anyway, and a dead cluster would never answer.
    """

    provider: Provider
    mirrors: MirrorSettings
    alive_with: pulumi.Resource
    depends_on: Sequence[pulumi.Resource] = ()


def addon_options(parent: pulumi.Resource, args: AddonArgs, *more: pulumi.Resource) -> ResourceOptions:
    """Options of a resource inside the cluster."""
    return ResourceOptions(
        parent=parent,
        provider=args.provider,
        depends_on=[*args.depends_on, *more],
        deleted_with=args.alive_with,
    )


def release(
    name: str,
    source: Mapping[str, Any],
    namespace: str,
    values: Mapping[str, Any],
    opts: ResourceOptions,
    timeout_seconds: int = 300,
    **more: Any,
) -> Release:
    """A Helm release that waits until what it deploys is ready; a failed change is rolled back."""
    return Release(
        name,
        name=name,
        namespace=namespace,
        values=dict(values),
        atomic=True,
        timeout=timeout_seconds,
        max_history=5,
        **source,
        **more,
        opts=opts,
    )
