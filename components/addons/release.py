"""Addons as Helm releases: where a chart comes from, what all releases have in common, and the objects beside them.

Namespace and Secret have the tokens and properties of pulumi_kubernetes.core.v1, which is not imported for them:
loading that package's several hundred classes takes a quarter of a second of every preview.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi import ResourceOptions
from pulumi_kubernetes import Provider
from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

from settings.addons import ChartSettings
from settings.mirrors import MirrorSettings
from settings.platform import Platform
from settings.presets import merged

#: Paths of charts are below it.
PROGRAM = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Chart:
    """A pinned chart: its name, version, and where it comes from without a mirror (a repository's URL or oci://...).

    A chart of this program itself is a path, with neither version nor upstream.
    """

    name: str
    version: str = ""
    upstream: str = ""

    def source(self, mirrors: MirrorSettings, own: ChartSettings) -> dict[str, Any]:
        """`chart`, `version` and `repository_opts` of a Release: the user's `own` where they are set."""
        name = own.chart or self.name
        version = own.version or self.version
        found: dict[str, Any] = {"version": version} if version else {}
        if "/" in name:
            # An oci:// reference or a path is all that it takes.
            return {"chart": name, **found}
        root = "" if own.repository else mirrors.charts or (self.upstream if self.upstream.startswith("oci://") else "")
        if root:
            return {"chart": f"{root.rstrip('/')}/{name}", **found}
        return {"chart": name, **found, "repository_opts": RepositoryOptsArgs(repo=own.repository or self.upstream)}


def local_digest(name: str) -> str:
    """A digest of the chart at this path below the program, or "" for a chart that comes from elsewhere.

    Without it among a release's inputs, a change of the chart's files would be rolled out only with another version.
    """
    root = PROGRAM / name
    if root.is_file():
        return hashlib.sha256(root.read_bytes()).hexdigest()[:16]
    if not (root / "Chart.yaml").is_file():
        return ""
    whole = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()[:16]


class Namespace(pulumi.CustomResource):
    """A namespace with labels."""

    def __init__(self, name: str, labels: Mapping[str, str], opts: ResourceOptions) -> None:
        metadata = {"name": name, **({"labels": dict(labels)} if labels else {})}
        properties = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        super().__init__("kubernetes:core/v1:Namespace", name, properties, opts)


class Secret(pulumi.CustomResource):
    """A secret; its data is secret in the state too."""

    def __init__(
        self, name: str, namespace: str, string_data: Mapping[str, pulumi.Input[str]], opts: ResourceOptions
    ) -> None:
        properties = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": pulumi.Output.secret(dict(string_data)),
        }
        hidden = ResourceOptions(additional_secret_outputs=["data", "stringData"])
        super().__init__("kubernetes:core/v1:Secret", name, properties, ResourceOptions.merge(opts, hidden))


@dataclass(frozen=True)
class AddonArgs:
    """The platform, its cluster's provider, the resource with which it dies, and what must exist before the release.

    Namespaces and secrets wait for the API alone, by the provider: they exist before the release does.
    `alive_with` lets `pulumi destroy` skip the release: the machines go anyway, and a dead cluster would never answer.
    """

    platform: Platform
    provider: Provider
    alive_with: pulumi.Resource
    depends_on: Sequence[pulumi.Resource] = ()


def addon_options(
    parent: pulumi.Resource, args: AddonArgs, *more: pulumi.Resource, protected: bool = False
) -> ResourceOptions:
    """Options of a resource inside the cluster."""
    return ResourceOptions(
        parent=parent,
        protect=protected or None,
        provider=args.provider,
        depends_on=[*more],
        deleted_with=args.alive_with,
    )


def release(
    name: str,
    chart: Chart,
    args: AddonArgs,
    own: ChartSettings,
    namespace: str,
    values: Mapping[str, Any],
    opts: ResourceOptions,
    timeout_seconds: int = 300,
) -> Release:
    """A Helm release that waits until what it deploys is ready; a failed change is rolled back."""
    source = chart.source(args.platform.settings.mirrors, own)
    digest = "" if "repository_opts" in source else local_digest(source["chart"])
    # Every chart may be given globals, whatever else its schema allows.
    content = {"global": {"chartDigest": digest}} if digest else {}
    return Release(
        name,
        name=name,
        namespace=namespace,
        values=merged({**values, **content}, own.values),
        atomic=True,
        timeout=timeout_seconds,
        max_history=5,
        **source,
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[*args.depends_on])),
    )


class Addon(pulumi.ComponentResource):
    """A chart as a release in a namespace of its own, which admits privileged pods."""

    release: Release

    def __init__(
        self,
        token: str,
        name: str,
        args: AddonArgs,
        opts: ResourceOptions | None,
        *,
        chart: Chart,
        own: ChartSettings,
        namespace: str,
        values: Mapping[str, Any],
    ) -> None:
        """`token` is the type's, and `own` are the user's settings of the chart."""
        super().__init__(token, name, None, opts)
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        created = Namespace(namespace, labels, addon_options(self, args))
        self.release = release(name, chart, args, own, namespace, values, addon_options(self, args, created))
        self.register_outputs({})
