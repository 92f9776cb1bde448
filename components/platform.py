"""The whole platform: the only file that knows the order of things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi import ResourceOptions
from pulumi_kubernetes import Provider

from components.addons.calico import Calico, CalicoArgs
from components.addons.flannel import Flannel, FlannelArgs
from components.addons.local_path import LocalPath, LocalPathArgs
from components.addons.mariadb import MariaDb, MariaDbArgs, Passwords
from components.addons.release import AddonArgs
from components.api_gate import ApiGate, ApiGateArgs
from components.control_plane import ControlPlane, ControlPlaneArgs
from components.etcd import EtcdCluster, EtcdClusterArgs
from components.fleet import Fleet, FleetArgs
from components.gateway import Gateways, GatewaysArgs
from components.kube_proxy import KubeProxy, KubeProxyArgs
from components.kubeconfig import Kubeconfig, KubeconfigArgs
from components.leave import Leaving
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.machine import Machine
from components.network import Network, NetworkArgs
from components.pki import Pki, PkiArgs
from components.step import Access
from components.worker_pool import WorkerPool, WorkerPoolArgs
from preflight.catalog import Catalog
from settings import platform as settings_platform
from settings import versions
from settings.fixed import fixed_settings
from settings.running import BY_RANGE


@dataclass(frozen=True)
class PlatformArgs:
    """Checked settings, the database's passwords where the user gave them, and ids of what the cloud already has.

    `backup_secrets` are for the places that backups go to, by their keys in the stack file.
    """

    platform: settings_platform.Platform
    passwords: Passwords
    catalog: Catalog
    backup_secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)


class Platform(pulumi.ComponentResource):
    """From an empty OpenStack project to a Kubernetes with a replicating MariaDB."""

    outputs: dict[str, Any]
    """The stack's outputs: a contract with ops/ and with users."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
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
        gateways = Gateways("gateways", GatewaysArgs(platform, fleet, pki), child)

        # Everything behind the gateways is reached through the VIP's address: any living gateway serves.
        entry = network.public_vip.address if network.public_vip else gateways.first_address
        gateway_host_key = gateways.host_key.public_key_openssh
        direct = Access(settings.access.ssh_user, fleet.private_key)
        access = Access(settings.access.ssh_user, fleet.private_key, entry, gateway_host_key)
        way_in = gateways.steps

        # Where the API is reached from outside, one address first: the way in, or a load balancer of the cloud.
        api_addresses = [entry] if network.public_vip else list(gateways.addresses.values())
        balanced: list[pulumi.Resource] = []
        if settings.api.load_balancer == "octavia":
            balancer = LoadBalancer("api", LoadBalancerArgs(platform, network), child)
            api_addresses, balanced = [balancer.address], balancer.ready
        api_address = api_addresses[0]

        etcd = EtcdCluster("etcd", EtcdClusterArgs(platform, fleet, pki, access, args.backup_secrets, way_in), child)
        leaving = Leaving(platform, pki, direct.connection(entry, gateway_host_key), network.alive_with, way_in)
        control_plane = ControlPlane(
            "control-plane",
            ControlPlaneArgs(platform, fleet, pki, etcd, access, leaving, api_addresses, [*way_in, *balanced]),
            child,
        )
        workers: dict[str, WorkerPool] = {}
        # No kubelet may be newer than an API server: a change of control planes is over before that of workers begins.
        changed = control_plane.changed
        for pool_name, pool_settings in settings.workers.items():
            workers[pool_name] = WorkerPool(
                pool_name,
                WorkerPoolArgs(
                    pool_settings, platform, fleet, pki, access, leaving, [*way_in, *balanced, *etcd.steps], changed
                ),
                child,
            )
            changed = workers[pool_name].changed
        nodes_by_name = dict(control_plane.machines)
        for pool in workers.values():
            nodes_by_name |= pool.machines
        for machine in nodes_by_name.values():
            leaving.of(machine)
        gate = ApiGate(
            "api",
            ApiGateArgs(
                platform,
                direct.connection(entry, gateway_host_key),
                pki,
                [*way_in, *balanced, *etcd.steps],
            ),
            child,
        )

        kubeconfig = Kubeconfig("kubeconfig", KubeconfigArgs(platform.cluster, api_address, pki), child)
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
            opts=ResourceOptions(parent=self, depends_on=[gate.command, *control_plane.changed]),
        )
        mirrors = settings.mirrors
        addon = AddonArgs(provider, mirrors, network.alive_with, [gate.command])
        cni = (
            Flannel("flannel", FlannelArgs(platform, addon), child)
            if settings.kubernetes.cni == "flannel"
            else Calico("calico", CalicoArgs(platform, addon), child)
        )
        steps = [command for pool in workers.values() for command in pool.steps]
        nodes = steps or control_plane.steps
        KubeProxy(
            "kube-proxy",
            KubeProxyArgs(
                platform,
                pki,
                direct.connection(entry, gateway_host_key),
                network.alive_with,
                [*way_in, *control_plane.steps, *steps],
            ),
            child,
        )
        storage_addon = AddonArgs(provider, mirrors, network.alive_with, [cni.release, *nodes])
        local_path = LocalPath("local-path", LocalPathArgs(platform, storage_addon), child)
        database: dict[str, Any] = {}
        if settings.database.enabled:
            database_addon = AddonArgs(provider, mirrors, network.alive_with, [local_path.release])
            database = MariaDb(
                "mariadb", MariaDbArgs(platform, args.passwords, database_addon, args.backup_secrets), child
            ).connection

        machines: dict[str, Machine] = {**gateways.machines, **etcd.machines, **nodes_by_name}
        self.outputs = {
            "apiEndpoint": kubeconfig.endpoint,
            "gatewayAddress": entry,
            "preset": settings.preset,
            "kubeconfig": kubeconfig.text,
            "sshPrivateKey": fleet.private_key,
            "sshUser": settings.access.ssh_user,
            "sshKeys": settings.access.ssh_keys.model_dump(mode="json"),
            "inventory": [_inventory_entry(machine, gateways) for machine in machines.values()],
            "database": database,
            "versions": {
                "kubernetes": settings.kubernetes.version,
                "etcd": settings.etcd_version,
                "cni": settings.kubernetes.cni,
                "mariadb": versions.MARIADB,
            },
            "fixedSettings": fixed_settings(platform),
            "securityRules": BY_RANGE,
            "forms": {
                "machines": {machine.planned.hostname: machine.form for machine in machines.values()},
                "spreads": {
                    name: spread
                    for groups in (
                        gateways.groups,
                        etcd.groups,
                        control_plane.groups,
                        *(w.groups for w in workers.values()),
                    )
                    for name, spread in groups.spreads.items()
                },
            },
            "certificates": {
                "epoch": settings.certificates.epoch,
                "renewalHours": settings.certificates.renewal_hours,
                **settings.certificates.authorities.model_dump(mode="json"),
            },
        }
        self.register_outputs({})


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
