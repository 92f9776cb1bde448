"""The machines' HTTP proxy: its environment variables, apt's own file, and what is reached without it."""

from __future__ import annotations

from machines.common.templates import render_template
from settings.platform import Platform


def proxy_variables(platform: Platform) -> dict[str, str]:
    """The environment variables, in both spellings: programs differ in which they read. Empty without a proxy."""
    proxy = platform.settings.proxy
    if not (proxy.http or proxy.https):
        return {}
    values = {"http_proxy": proxy.http, "https_proxy": proxy.https, "no_proxy": ",".join(no_proxy(platform))}
    pairs = [(name, value) for name, value in values.items() if value]
    return dict(pairs) | {name.upper(): value for name, value in pairs}


def apt_proxy(platform: Platform) -> str:
    """apt's own settings; hosts that are named in full are reached directly."""
    proxy = platform.settings.proxy
    if not (proxy.http or proxy.https):
        return ""
    direct = [host for host in no_proxy(platform) if "/" not in host and not host.startswith((".", "*"))]
    return render_template("common/apt-proxy.conf.j2", proxy=proxy, direct=direct)


def no_proxy(platform: Platform) -> tuple[str, ...]:
    """What never goes through a proxy: this machine, the platform's networks and VIPs, the cluster's own names."""
    network, plan = platform.settings.network, platform.addresses
    ranges = (network.edge, network.private, network.pods, network.services)
    names = ("localhost", "127.0.0.1", "::1", "169.254.169.254", ".svc", f".{network.dns_domain}")
    vips = (plan.public_vip, plan.private_vip, plan.load_balancer)
    return (*names, *map(str, ranges), *filter(None, vips), *filter(None, platform.settings.proxy.extra_no_proxy))
