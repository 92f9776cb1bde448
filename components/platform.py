"""The whole platform: the only file that knows the order of things."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi import ResourceOptions
from pulumi_kubernetes import Provider

from components.addons.calico import Calico
from components.addons.flannel import Flannel
from components.addons.local_path import LocalPath
from components.addons.mariadb import MariaDb, MariaDbArgs
from components.addons.release import AddonArgs
from components.cluster_access import ApiGate, ClusterAccess, ClusterCommandArgs, KubeProxy, LabelsAndTaints
from components.control_plane import ControlPlane, ControlPlaneArgs
from components.etcd import EtcdCluster, EtcdClusterArgs
from components.fleet import Fleet, FleetArgs
from components.gateway import Gateways, GatewaysArgs
from components.kubeconfig import Kubeconfig, KubeconfigArgs
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.machine import Machine
from components.network import Network, NetworkArgs
from components.pki import Pki, PkiArgs
from components.role import Role
from components.worker_pool import WorkerPool, WorkerPoolArgs
from preflight.cloud import Catalog
from settings import platform as settings_platform
from settings import versions
from settings.running import BY_RANGE
from settings.stack_file import BACKUP_SECRETS


@dataclass(frozen=True)
class PlatformArgs:
    """Checked settings, ids of what the cloud already has, and the stack file's secrets by their keys."""

    platform: settings_platform.Platform
    catalog: Catalog
    secrets: Mapping[str, pulumi.Output[str]]


class Platform(pulumi.ComponentResource):
    """From an empty OpenStack project to a Kubernetes with a replicating MariaDB."""

    outputs: dict[str, Any]
    """The stack's outputs: a contract with ops/ and with users."""

    def __init__(self, name: str, args: PlatformArgs, opts: ResourceOptions | None = None) -> None:
        platform, settings = args.platform, args.platform.settings
        # The rules of policy/ find here what the platform is for, and what no resource of it shows.
        backups = {"etcd": settings.backups.etcd.enabled}
        if settings.database.enabled:
            backups["database"] = settings.backups.database.enabled
        facts = {
            "preset": settings.preset,
            "cluster": platform.cluster,
            "kubernetes": settings.kubernetes.version,
            "backups": backups,
        }
        super().__init__("openstack-paas:index:Platform", name, facts, opts)
        child = ResourceOptions(parent=self)

        network = Network("network", NetworkArgs(platform, args.catalog), child)
        pki = Pki("pki", PkiArgs(platform), child)
        fleet = Fleet("fleet", FleetArgs(platform, args.catalog, network), child)
        gateways = Gateways("gateways", GatewaysArgs(fleet), child)

        # Where the API is reached from outside, the way in first; a load balancer of the cloud takes their place below.
        api_addresses = list(gateways.addresses.values()) if network.public_vip is None else [network.public_vip]
        # Everything behind the gateways is reached through the VIP's address: any living gateway serves.
        entry = api_addresses[0]
        gateway_host_key = gateways.host_key.public_key_openssh
        access, way_in = fleet.access(entry, gateway_host_key), gateways.steps
        direct = fleet.access().connection(entry, gateway_host_key)
        cluster = ClusterAccess(platform, pki, direct, access, network.alive_with, way_in)

        balanced: list[pulumi.Resource] = []
        if settings.api.load_balancer == "octavia":
            balancer = LoadBalancer("api", LoadBalancerArgs(platform, network), child)
            api_addresses, balanced = [balancer.address], balancer.ready

        backup_secrets = {name: secret for name, secret in args.secrets.items() if name in BACKUP_SECRETS}
        etcd = EtcdCluster("etcd", EtcdClusterArgs(fleet, pki, access, backup_secrets, way_in), child)
        reachable = [*way_in, *balanced]
        control_plane_args = ControlPlaneArgs(fleet, etcd, access, cluster, api_addresses, reachable)
        control_plane = ControlPlane("control-plane", control_plane_args, child)
        workers: list[WorkerPool] = []
        # No kubelet may be newer than an API server: a change of control planes is over before that of workers begins.
        changed = control_plane.last
        for pool_name in settings.workers:
            pool_args = WorkerPoolArgs(fleet, access, cluster, reachable, etcd.steps, changed)
            pool = WorkerPool(pool_name, pool_args, child)
            workers.append(pool)
            changed = pool.last
        nodes: list[Role] = [control_plane, *workers]
        for machine in _machines(nodes):
            cluster.leave(machine)
        gate = ApiGate("api", ClusterCommandArgs(cluster, [*reachable, *etcd.steps]), child)

        kubeconfig = Kubeconfig("kubeconfig", KubeconfigArgs(platform.cluster, api_addresses[0], pki), child)
        provider = Provider(
            "cluster",
            kubeconfig=kubeconfig.text,
            # Without it every computed kubeconfig previews as a new cluster and replaces all that is in it.
            cluster_identifier=platform.cluster,
            # Otherwise another password would replace the secret, which is protected and in use.
            enable_secret_mutable=True,
            # What a killed `up` has made without recording it is taken over by the next one.
            upsert_existing_objects=True,
            # The plugin asks the API once, when it is configured, and never again: not before it serves, nor while
            # running control planes are changed.
            opts=ResourceOptions(parent=self, depends_on=[gate.command, *control_plane.last]),
        )

        def addon(*depends_on: pulumi.Resource) -> AddonArgs:
            return AddonArgs(platform, provider, network.alive_with, depends_on)

        cni = {"calico": Calico, "flannel": Flannel}[settings.kubernetes.cni]
        network_addon = cni(settings.kubernetes.cni, addon(gate.command), child)
        worker_steps = [step for pool in workers for step in pool.steps]
        nodes_ready = [*way_in, *control_plane.steps, *worker_steps]
        KubeProxy("kube-proxy", ClusterCommandArgs(cluster, nodes_ready), child)
        LabelsAndTaints("nodes", ClusterCommandArgs(cluster, nodes_ready), child)
        storage_needs = [network_addon.release, *(worker_steps or control_plane.steps)]
        storage = LocalPath("local-path", addon(*storage_needs), child)
        database: dict[str, Any] = {}
        if settings.database.enabled:
            database = MariaDb("mariadb", MariaDbArgs(args.secrets, addon(storage.release)), child).connection

        roles: list[Role] = [gateways, etcd, *nodes]
        self.outputs = {
            "apiEndpoint": kubeconfig.endpoint,
            "gatewayAddress": entry,
            "preset": settings.preset,
            "kubeconfig": kubeconfig.text,
            "sshPrivateKey": fleet.private_key,
            "sshUser": settings.access.ssh_user,
            "sshKeys": settings.access.ssh_keys.model_dump(mode="json"),
            "inventory": [_inventory_entry(machine, gateways) for machine in _machines(roles)],
            "database": database,
            "versions": {
                "kubernetes": settings.kubernetes.version,
                "etcd": settings.etcd_version,
                "cni": settings.kubernetes.cni,
                "mariadb": versions.MARIADB,
            },
            "fixedSettings": settings_platform.fixed(settings, platform.cluster, platform.plan),
            "securityRules": BY_RANGE,
            "founders": [machine.instance.id for machine in _machines([etcd, control_plane])]
            if platform.running.founders is None
            else list(platform.running.founders),
            "forms": {
                "machines": {machine.planned.hostname: machine.form for machine in _machines(roles)},
                "spreads": {name: spread for role in roles for name, spread in role.spreads.items()},
            },
            "certificates": {
                "epoch": settings.certificates.epoch,
                "renewalHours": settings.certificates.renewal_hours,
                **settings.certificates.authorities.model_dump(mode="json"),
            },
        }
        self.register_outputs({})


def _machines(roles: Iterable[Role]) -> list[Machine]:
    return [machine for role in roles for machine in role.machines.values()]


def _inventory_entry(machine: Machine, gateways: Gateways) -> dict[str, Any]:
    """One machine of the output `inventory`; gateways have a floating IP of their own as `publicAddress`."""
    planned = machine.planned
    entry: dict[str, Any] = {
        "name": planned.hostname,
        "role": planned.role,
        "address": planned.address,
        "instanceId": machine.instance.id,
        "hostKeyFingerprint": machine.host_key.public_key_fingerprint_sha256,
        "hostKey": machine.host_key.public_key_openssh,
    }
    if planned.edge_address:
        entry["edgeAddress"] = planned.edge_address
    if planned.name in gateways.addresses:
        entry["publicAddress"] = gateways.addresses[planned.name]
    if planned.pool:
        entry["pool"] = planned.pool
    return entry
