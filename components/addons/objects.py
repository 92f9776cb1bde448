"""Kubernetes objects beside the Helm releases: a namespace and a secret.

They have the tokens and properties of pulumi_kubernetes.core.v1, which is not imported for them: loading that package's
several hundred classes takes a quarter of a second of every preview.
"""

from collections.abc import Mapping

import pulumi
from pulumi import ResourceOptions


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
