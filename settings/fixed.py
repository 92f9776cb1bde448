"""Settings that cannot change while the cluster exists: certificates, routes, volumes or networks depend on them."""

from settings.plan import Plan
from settings.platform import Platform
from settings.platform_settings import PlatformSettings


def fixed(settings: PlatformSettings, cluster: str, plan: Plan) -> dict[str, str]:
    """Each such setting's value by key, as text."""
    net, database = settings.network, settings.database
    values = {
        "clusterName": cluster,
        "network.edge": str(net.edge),
        "network.private": str(net.private),
        "network.privateVipAddress": plan.private_vip,
        "network.pods": str(net.pods),
        "network.services": str(net.services),
        "network.dnsDomain": net.dns_domain,
        "kubernetes.cni": settings.kubernetes.cni,
        # Every kubelet's kubeconfig has the API's address.
        "api.loadBalancer": settings.api.load_balancer,
    }
    if database.enabled:
        # Kubernetes cannot change either in existing volumes of a StatefulSet.
        values |= {"database.size": database.size, "storage.className": settings.storage.class_name}
    return values


def fixed_settings(platform: Platform) -> dict[str, str]:
    """For the output `fixedSettings`, which the next run reads back (settings/running.py)."""
    return fixed(platform.settings, platform.cluster, platform.addresses)
