"""Where machines and the cluster get things from: mirrors, registries, charts, and the proxies on the way."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Final
from urllib.parse import urlsplit

from settings.addons import AddonSettings, ChartSettings
from settings.mirrors import AptSource
from settings.platform_settings import PlatformSettings
from settings.problem import Problem
from settings.rules import Context

_HOST: Final = re.compile(r"([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.?)+")
#: An entry of a list of hosts without proxy: a name, a .domain, an address or a range. Instead of `*`, set no proxy.
_DIRECT: Final = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9._-]*(/[0-9]{1,2})?(:[0-9]{1,5})?")
#: Hosts that serve Docker Hub. containerd knows it only by the name in image references.
_DOCKER_HUB: Final = ("registry-1.docker.io", "index.docker.io", "registry.hub.docker.com", "hub.docker.com")


def _apt_sources(settings: PlatformSettings) -> dict[str, AptSource]:
    """Every apt source by key."""
    sources = {f"mirrors.debian.{index}": source for index, source in enumerate(settings.mirrors.debian)}
    kubernetes = settings.mirrors.kubernetes
    return sources if kubernetes is None else {**sources, "mirrors.kubernetes": kubernetes}


def urls(settings: PlatformSettings) -> Iterator[tuple[str, str]]:
    """Every URL that machines ask, by key."""
    mirrors, proxy, s3 = settings.mirrors, settings.proxy, settings.backups.copy_to.s3
    for key, source in _apt_sources(settings).items():
        yield f"{key}.uri", source.uri
        if source.key_url:
            yield f"{key}.keyUrl", source.key_url
    for host, url in sorted(mirrors.images.items()):
        yield f"mirrors.images.{host}", url
    if s3 is not None:
        yield "backups.copyTo.s3.endpoint", s3.endpoint
    others = {
        "mirrors.charts": mirrors.charts,
        "mirrors.files": mirrors.files,
        "proxy.http": proxy.http,
        "proxy.https": proxy.https,
    }
    yield from ((key, url) for key, url in others.items() if url)


def address_of(host: str) -> IPv4Address | None:
    """The host as an IPv4 address. None when it is a name."""
    try:
        return IPv4Address(host)
    except ValueError:
        return None


def host_address(url: str) -> IPv4Address | None:
    """The URL's host where it is an IPv4 address."""
    try:
        return address_of(urlsplit(url).hostname or "")
    except ValueError:
        return None


def urls_have_a_host_and_a_port(context: Context) -> Iterator[Problem]:
    for key, url in urls(context.settings):
        try:
            host, _ = urlsplit(url).hostname or "", urlsplit(url).port
        except ValueError:
            yield Problem(key, url, "has an invalid port (1 to 65535)", "use a valid port")
            continue
        numbers = host.replace(".", "").isdigit()
        if not _HOST.fullmatch(host) or (numbers and address_of(host) is None):
            yield Problem(key, url, f"has an invalid host ({host or 'empty'})", "write a host name or an IPv4 address")


def suites_have_their_components(context: Context) -> Iterator[Problem]:
    """sources.list(5): a suite that ends with a slash has no components, any other has some."""
    for source_key, source in _apt_sources(context.settings).items():
        key, suite, others = f"{source_key}.components", source.suite, (f"{source_key}.suite",)
        if suite.endswith("/") and source.components:
            rule = f"cannot be combined with the flat suite {suite}"
            fix = "remove components, or the slash at the suite's end"
            yield Problem(key, f"[{', '.join(source.components)}]", rule, fix, others)
        if not suite.endswith("/") and not source.components:
            rule = f"are missing: the suite {suite} has some, as sources.list says"
            yield Problem(key, "", rule, "write components: [main]", others)


def images_name_the_mirrors_of_registries(context: Context) -> Iterator[Problem]:
    for host in sorted(set(context.settings.mirrors.images) & set(_DOCKER_HUB)):
        rule = "is not a host that image references name, so nothing uses it"
        yield Problem(f"mirrors.images.{host}", "", rule, "write docker.io")


def hosts_without_proxy_are_hosts(context: Context) -> Iterator[Problem]:
    for index, entry in enumerate(context.settings.proxy.extra_no_proxy):
        if not _DIRECT.fullmatch(entry):
            rule = "must be a host, a domain that begins with a dot, an address or a range"
            yield Problem(f"proxy.extraNoProxy.{index}", entry, rule, "write one in each entry, as .example.org")


def packages_over_plain_http_are_signed(context: Context) -> Iterator[Problem]:
    sources = _apt_sources(context.settings) if context.settings.preset == "production" else {}
    unsigned = [key for key, source in sources.items() if not source.key_url and source.uri.startswith("http://")]
    if unsigned:
        many = f"{len(unsigned)} source{'s' if len(unsigned) > 1 else ''}"
        rule = f"is missing in {many} over plain http: packages are trusted unverified"
        fix = "set keyUrl, or use https, unless the network to the mirror is private"
        yield Problem(f"{unsigned[0]}.keyUrl", "", rule, fix)


def _charts(settings: PlatformSettings) -> dict[str, ChartSettings]:
    """Every addon's chart by key."""
    return {
        f"addons.{field.alias}": getattr(settings.addons, name) for name, field in AddonSettings.model_fields.items()
    }


def repositories_belong_to_names_of_charts(context: Context) -> Iterator[Problem]:
    """A full reference to a chart needs no repository."""
    for key, chart in _charts(context.settings).items():
        rule = fix = ""
        if chart.chart.startswith(("oci://", "/", "./")):
            rule, fix = f"cannot be combined with the chart {chart.chart}", "remove it"
        elif not chart.chart:
            rule, fix = "has no chart", f"set {key}.chart to its name"
        if chart.repository and rule:
            yield Problem(f"{key}.repository", chart.repository, rule, fix, (f"{key}.chart",))


def charts_are_of_installed_addons(context: Context) -> Iterator[Problem]:
    settings = context.settings
    other_cni = "flannel" if settings.kubernetes.cni == "calico" else "calico"
    unused = {f"addons.{other_cni}": "kubernetes.cni is the other one"}
    if not settings.database.enabled:
        unused["addons.mariadb"] = "database.enabled is false"
    for key, reason in unused.items():
        if _charts(settings)[key] != ChartSettings():
            yield Problem(key, "", f"has no effect: {reason}", "remove it")


def octavia_settings_are_used(context: Context) -> Iterator[Problem]:
    api = context.settings.api
    if api.load_balancer != "octavia" and (api.octavia.provider or api.octavia.flavor):
        yield Problem("api.octavia", "", "has no effect: api.loadBalancer is gateways", "remove it")
