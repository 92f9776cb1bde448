"""The inputs of machines.render: plain values that say what one machine shall be, by its role.

Nothing here knows Pulumi or the stack's settings; components fill these in. Fields whose name ends in `_key` are
secrets: they may land in bundle files marked secret and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from machines.parts import Backups, Base, KeyPair, Packages, Peer, Volume


@dataclass(frozen=True)
class GatewaySpec:
    """A gateway: keepalived with the public and the private VIP in one sync group, haproxy, NAT.

    `edge_*` are on the edge network, `base.address` and `private_*` on the private one; `peers` are the other
    gateways (address: private), `edge_peers` the same on the edge network. `priority` 1..254, higher wins.
    `public_vip` is empty where only the private address fails over. Machines may reach other hosts of the edge network
    only when `edge_is_open` (it is the provider's), and of ours only `load_balancer`, the API's, where there is one.
    `api_backends` serve `api_port`, unless they are empty; `ingress_backends` serve 80 and 443 on the two node ports.
    `ssh_cidrs` and `api_cidrs` may reach SSH and the API from outside.
    """

    base: Base
    edge_address: str
    edge_gateway: str
    edge_cidr: str
    private_cidr: str
    public_vip: str
    private_vip: str
    priority: int
    peers: tuple[Peer, ...]
    edge_peers: tuple[Peer, ...]
    api_backends: tuple[Peer, ...]
    ingress_backends: tuple[Peer, ...]
    ca_certificate: str
    """Of the cluster, for nodes that leave by this gateway."""
    api_port: int = 6443
    ingress_http_node_port: int = 30080
    ingress_https_node_port: int = 30443
    router_id: int = 51
    advert_interval_seconds: float = 0.7
    edge_is_open: bool = False
    load_balancer: str = ""
    ssh_cidrs: tuple[str, ...] = ("0.0.0.0/0",)
    api_cidrs: tuple[str, ...] = ("0.0.0.0/0",)


@dataclass(frozen=True)
class EtcdSpec:
    """A member of the external etcd. `members` are all members, this one included; timers in milliseconds.

    `control_planes` are addresses at which kubelets may serve: with one of them there no empty cluster is started.
    """

    base: Base
    members: tuple[Peer, ...]
    cluster_token: str
    ca_certificate: str
    server: KeyPair
    peer: KeyPair
    client: KeyPair
    control_planes: tuple[str, ...]
    heartbeat_ms: int = 100
    election_ms: int = 1000
    quota_bytes: int = 2 * 1024**3
    volume: Volume | None = None
    """For the data; the machine's own disk without one."""
    backups: Backups | None = None
    """Without it no timer takes snapshots; by hand and before changes they are taken all the same."""
    generation: str = "1"
    """Name of the authorities that issue, for messages."""


@dataclass(frozen=True)
class Containerd:
    """`registries` maps a registry host (docker.io, ...) to its mirror's URL; `pause_image` is a whole reference."""

    pause_image: str
    registries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Renewal:
    """When certificates that the machine makes itself are made anew, and for how long they are valid.

    `generation` is the name of the authorities that issue, for messages.
    """

    epoch: str = ""
    validity_hours: int = 8760
    renewal_hours: int = 1440
    generation: str = "1"


@dataclass(frozen=True)
class Kubernetes:
    """What all nodes of a cluster agree on. `endpoint` is host:port of the API as machines see it."""

    cluster_name: str
    version: str
    endpoint: str
    pod_cidr: str
    service_cidr: str
    ca_certificate: str
    dns_domain: str = "cluster.local"
    image_repository: str = "registry.k8s.io"
    kubelet_configuration: Mapping[str, Any] = field(default_factory=dict)
    kube_proxy_configuration: Mapping[str, Any] = field(default_factory=dict)
    ignore_preflight_errors: tuple[str, ...] = ()
    renewal: Renewal = field(default_factory=Renewal)


@dataclass(frozen=True)
class Kubelet:
    """One node's registration: labels, taints as key=value:Effect, folders to make (0755) for local volumes."""

    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[str, ...] = ()
    volume_directories: tuple[str, ...] = ()
    drain_seconds: int = 300
    """How long pods may take to leave before the node is changed."""
    bare_pods: Literal["refuse", "delete"] = "refuse"
    """What becomes of pods that nothing would make anew."""
    alone: bool = False
    """Whether there is no other node that could take its pods."""


@dataclass(frozen=True)
class ControlPlaneSpec:
    """A control plane. It inits or joins, whichever the state of etcd and of the API calls for.

    `certificate_sans` are the extra names and addresses of the API server. `bootstrap` is the short-lived client
    certificate of group system:bootstrappers:kubeadm:default-node-token with which it joins (file discovery).
    """

    base: Base
    containerd: Containerd
    kubernetes: Kubernetes
    kubelet: Kubelet
    certificate_sans: tuple[str, ...]
    etcd_endpoints: tuple[str, ...]
    etcd_ca_certificate: str
    etcd_client: KeyPair
    ca: KeyPair
    front_proxy_ca: KeyPair
    service_account: KeyPair
    """`certificate` holds the public key in PEM."""
    bootstrap: KeyPair


@dataclass(frozen=True)
class WorkerSpec:
    """A worker: joins by the bootstrap certificate, once the API answers."""

    base: Base
    containerd: Containerd
    kubernetes: Kubernetes
    kubelet: Kubelet
    bootstrap: KeyPair
    api_servers: tuple[Peer, ...]
    """Every control plane that there is or may be."""
    volume: Volume | None = None
    """For the first of the kubelet's `volume_directories`; the machine's own disk without one."""


@dataclass(frozen=True)
class UserDataSpec:
    """What cloud-init gets: the machine's own SSH host key (its one secret) and, on gateways, the edge default route.

    Stable on purpose: any change of user_data replaces the machine.
    """

    name: str
    ssh_host_private_key: str
    ssh_host_public_key: str
    edge_gateway: str = ""
    edge_cidr: str = ""


@dataclass(frozen=True)
class InstallSpec:
    """Bakes a machine image: installs what every role needs, enables nothing that a role has not asked for."""

    packages: Packages
    containerd: Containerd
    images: tuple[str, ...] = ()
    """Container images to pull into the baked image, whole references."""
