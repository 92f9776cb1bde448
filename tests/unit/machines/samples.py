"""One spec of each role with made-up values, for the tests of node."""

from __future__ import annotations

import dataclasses

from machines.parts import AptRepository, Backups, Base, KeyPair, Packages, Peer, Proxy, S3Place, SftpPlace, Volume
from machines.specs import (
    Containerd,
    ControlPlaneSpec,
    EtcdSpec,
    GatewaySpec,
    InstallSpec,
    Kubelet,
    Kubernetes,
    UserDataSpec,
    WorkerSpec,
)

SECRET = "made-up-secret"
GATEWAYS = (Peer("gateway-0", "10.20.1.11"), Peer("gateway-1", "10.20.1.12"))
EDGES = (Peer("gateway-0", "10.20.0.11"), Peer("gateway-1", "10.20.0.12"))
MEMBERS = tuple(Peer(f"etcd-{number}", f"10.20.1.2{number}") for number in range(3))
CONTROL_PLANES = tuple(Peer(f"control-plane-{number}", f"10.20.1.3{number}") for number in range(3))
WORKERS = tuple(Peer(f"worker-default-{number}", f"10.20.1.4{number}") for number in range(2))

PACKAGES = Packages(
    kubernetes="1.34.2",
    etcd="3.6.5",
    cni_plugins="1.8.0",
    debian=(AptRepository("http://mirror.example:3142/debian", "bookworm", ("main",)),),
    repositories=(
        AptRepository("http://mirror.example/apt", "stable", ("main",)),
        AptRepository("https://packages.example/kubernetes/", "/", (), "https://packages.example/kubernetes/key.asc"),
    ),
)
KUBERNETES = Kubernetes(
    cluster_name="sample",
    version="1.34.2",
    endpoint="10.20.1.10:6443",
    pod_cidr="10.244.0.0/16",
    service_cidr="10.96.0.0/16",
    ca_certificate="the cluster CA's certificate\n",
    kubelet_configuration={"failCgroupV1": False, "evictionHard": {"memory.available": "100Mi"}},
    kube_proxy_configuration={"mode": "iptables", "conntrack": {"maxPerCore": 0}},
    ignore_preflight_errors=("SystemVerification", "Mem"),
)
CONTAINERD = Containerd(
    pause_image="registry.k8s.io/pause:3.10.1",
    registries={"registry.k8s.io": "http://mirror.example:5000", "docker.io": "https://mirror.example/proxy/docker"},
)


VOLUME = Volume("0b4f7ad8-5c1e-4a8e-9d3c-2f1a6b7c8d9e", 20)


def pair(name: str) -> KeyPair:
    """A certificate and a key that no tool would accept, recognisable in any output."""
    return KeyPair(certificate=f"certificate of {name}\n", private_key=f"{SECRET} key of {name}\n")


def base(peer: Peer) -> Base:
    """What all sample machines share."""
    hosts = (*GATEWAYS, *MEMBERS, *CONTROL_PLANES, *WORKERS)
    return Base(name=peer.name, address=peer.address, packages=PACKAGES, hosts=hosts)


def gateway_spec() -> GatewaySpec:
    """The first of two gateways."""
    return GatewaySpec(
        base=base(GATEWAYS[0]),
        edge_address=EDGES[0].address,
        edge_gateway="10.20.0.1",
        edge_cidr="10.20.0.0/24",
        private_cidr="10.20.1.0/24",
        public_vip="10.20.0.10",
        private_vip="10.20.1.10",
        priority=150,
        peers=GATEWAYS[1:],
        edge_peers=EDGES[1:],
        api_backends=CONTROL_PLANES,
        ingress_backends=WORKERS,
        ssh_cidrs=("198.51.100.0/24", "203.0.113.7/32"),
        ca_certificate=KUBERNETES.ca_certificate,
    )


USUAL = Backups()
BACKUPS = Backups(
    interval_minutes=30,
    s3=S3Place("https://s3.example", "backups", "paas", "us-east-1", "the access key", SECRET, "a CA's certificate\n"),
    sftp=SftpPlace("backup.example", 2022, "backup", "/srv/backups", "ssh-ed25519 AAAAhost", f"{SECRET} login key\n"),
    recipients=("age1first", "age1second"),
)


def etcd_spec(number: int = 0, volume: Volume | None = None, backups: Backups | None = USUAL) -> EtcdSpec:
    """One of three members."""
    return EtcdSpec(
        base=base(MEMBERS[number]),
        members=MEMBERS,
        cluster_token="sample-token",
        ca_certificate="the etcd CA's certificate\n",
        server=pair("server"),
        peer=pair("peer"),
        client=pair("client"),
        control_planes=tuple(peer.address for peer in CONTROL_PLANES),
        volume=volume,
        backups=backups,
    )


def control_plane_spec() -> ControlPlaneSpec:
    """The first of three control planes."""
    return ControlPlaneSpec(
        base=base(CONTROL_PLANES[0]),
        containerd=CONTAINERD,
        kubernetes=KUBERNETES,
        kubelet=Kubelet(taints=("node-role.kubernetes.io/control-plane=:NoSchedule",)),
        certificate_sans=("10.20.1.10", "10.20.0.10", "192.0.2.10"),
        etcd_endpoints=tuple(f"https://{member.address}:2379" for member in MEMBERS),
        etcd_ca_certificate="the etcd CA's certificate\n",
        etcd_client=pair("etcd client"),
        ca=pair("cluster CA"),
        front_proxy_ca=pair("front proxy CA"),
        service_account=pair("service account"),
        bootstrap=pair("bootstrap"),
    )


def worker_spec() -> WorkerSpec:
    """A worker with labels, a taint, a folder for volumes and a proxy."""
    proxy = Proxy(http="http://proxy.example:3128", no_proxy=("localhost", "10.0.0.0/8", ".svc", "mirror.example"))
    return WorkerSpec(
        base=dataclasses.replace(base(WORKERS[0]), proxy=proxy),
        containerd=CONTAINERD,
        kubernetes=KUBERNETES,
        kubelet=Kubelet(
            labels={"pool": "default", "disk": "local"},
            taints=("dedicated=database:NoSchedule",),
            volume_directories=("/disks",),
        ),
        bootstrap=pair("bootstrap"),
        api_servers=(*CONTROL_PLANES, Peer("control-plane-3", "10.20.1.33")),
    )


def install_spec() -> InstallSpec:
    """An image with two container images in it."""
    images = ("registry.k8s.io/pause:3.10.1", "registry.k8s.io/kube-proxy:v1.34.2")
    return InstallSpec(packages=PACKAGES, containerd=CONTAINERD, images=images)


def user_data_spec(*, edge: bool = True) -> UserDataSpec:
    """A gateway's user_data, or any other machine's."""
    return UserDataSpec(
        name="gateway-0" if edge else "etcd-0",
        ssh_host_private_key=f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----\n",
        ssh_host_public_key="ssh-ed25519 AAAA made-up",
        edge_gateway="10.20.0.1" if edge else "",
        edge_cidr="10.20.0.0/24" if edge else "",
    )
