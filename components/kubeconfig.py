"""The administrator's kubeconfig: made here from the PKI, never fetched from a machine."""

import base64
import json
from dataclasses import dataclass

import pulumi

from components.pki import Pki
from settings import ports


def kubeconfig_text(cluster: str, endpoint: str, ca: str, certificate: str, private_key: str) -> str:
    """A kubeconfig (as JSON, which is YAML) for the API at `endpoint`; certificates and key in PEM."""

    def encoded(pem: str) -> str:
        return base64.b64encode(pem.encode()).decode()

    cluster_entry = {"server": endpoint, "certificate-authority-data": encoded(ca)}
    user_entry = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(private_key)}
    user = f"{cluster}-admin"
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": cluster,
            "clusters": [{"name": cluster, "cluster": cluster_entry}],
            "users": [{"name": user, "user": user_entry}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
        },
        indent=2,
    )


@dataclass(frozen=True)
class KubeconfigArgs:
    """The cluster's name, the API's address outside, and the administrator's certificate."""

    cluster: str
    api_address: pulumi.Input[str]
    pki: Pki


class Kubeconfig(pulumi.ComponentResource):
    """The API's address outside and the secret kubeconfig for it."""

    endpoint: pulumi.Output[str]
    text: pulumi.Output[str]

    def __init__(self, name: str, args: KubeconfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("openstack-paas:kubernetes:Kubeconfig", name, None, opts)
        pki = args.pki
        self.endpoint = pulumi.Output.concat("https://", args.api_address, f":{ports.API}")
        self.text = pulumi.Output.secret(
            pulumi.Output.all(
                endpoint=self.endpoint,
                ca=pki.cluster_ca.certificate,
                certificate=pki.administrator.certificate,
                private_key=pki.administrator.private_key,
            ).apply(lambda values: kubeconfig_text(args.cluster, **values))
        )
        self.register_outputs({"endpoint": self.endpoint})
