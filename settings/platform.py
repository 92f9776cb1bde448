"""A platform: checked settings, the plan that follows from them, and what the stack runs already."""

from settings.model import Section
from settings.plan import Plan
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.running import Form, Running


class Platform(Section):
    """Checked settings with the cluster's name, its plan, and what is allowed but unwise (`warnings`).

    `working` are the host names of the machines that the stack runs. They are changed one after another.
    `numbered` are the security group rules of an earlier release (settings.security.former_name).
    """

    model_config = Section.model_config | {"arbitrary_types_allowed": True}

    settings: PlatformSettings
    cluster: str
    plan: Plan
    warnings: tuple[Problem, ...] = ()
    working: frozenset[str] = frozenset()
    numbered: dict[str, str] = {}
    running: Running = Running()
    replacing: dict[str, bool] = {}
    """The running machines whose flavor, zone or spread changes in this run, and whether that replaces them."""

    def kept_form(self, hostname: str) -> Form | None:
        """The form of a running machine that does not change in this run, if it is known."""
        return None if hostname in self.replacing else self.running.forms.get(hostname)


def fixed(settings: PlatformSettings, cluster: str, plan: Plan) -> dict[str, str]:
    """Each setting that cannot change while the cluster exists: its value by key, as text.

    Certificates, routes, volumes or networks depend on them. The output `fixedSettings` has them for the next run
    (settings/running.py).
    """
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
