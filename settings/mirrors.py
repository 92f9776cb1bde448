"""Mirrors of packages, images, charts and files, and HTTP proxies."""

from typing import Annotated

from settings.model import Section, text

HttpUrl = Annotated[
    str,
    text(
        r"^https?://[^\s/@]+(/[^\s]*)?$",
        "must be an http:// or https:// URL without credentials",
        "write it as https://mirror.example.org/path",
    ),
]
ProxyUrl = Annotated[
    str,
    text(
        r"^(https?://[^\s/@]+(:\d+)?/?)?$",
        "must be an http:// or https:// URL of host and port, without credentials or path "
        "(every machine could read a password in it)",
        "write it as http://proxy.example.org:3128",
    ),
]
ChartRoot = Annotated[
    str,
    text(
        r"^oci://[^\s/@]+/[^\s]+$",
        "must be the oci:// URL of a folder in a registry, without credentials",
        "write it as oci://registry.example.org/charts",
    ),
]
RegistryHost = Annotated[
    str,
    text(
        r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$",
        "must be a registry's host as image references have it, without scheme or path",
        "write it as docker.io",
    ),
]
Suite = Annotated[
    str,
    text(r"^[A-Za-z0-9._/-]+$", "must be a suite as in sources.list", "write it as bookworm or stable"),
]


class AptSource(Section):
    """One apt source. Without `keyUrl` it is trusted unverified: use that only for a closed site's own mirror."""

    uri: HttpUrl
    """Root of the repository."""
    suite: Suite
    """Suite, as in sources.list. One that ends with a slash is a flat repository, which has no components."""
    components: tuple[str, ...] = ()
    """Components, as in sources.list."""
    key_url: HttpUrl | None = None
    """URL of its signing key, ASCII armored."""


class MirrorSettings(Section):
    """Mirrors. What is empty comes from upstream."""

    debian: tuple[AptSource, ...] = ()
    """Replaces the machines' own apt sources."""
    kubernetes: AptSource | None = None
    """Repository of kubeadm, kubelet, kubectl and kubernetes-cni. Empty: the community's own."""
    images: dict[RegistryHost, HttpUrl] = {}
    """The URL of each registry's mirror, by the registry's host (docker.io, registry.k8s.io, ...)."""
    charts: ChartRoot | None = None
    """Root under which every chart is found by its name. Empty: each chart's upstream."""
    files: HttpUrl | None = None
    """Root of release archives (etcd). Empty: the upstream releases."""


class ProxySettings(Section):
    """HTTP proxies of the machines. NO_PROXY is computed from the networks, plus `extraNoProxy`."""

    http: ProxyUrl = ""
    """Proxy for http:// URLs."""
    https: ProxyUrl = ""
    """Proxy for https:// URLs."""
    extra_no_proxy: tuple[str, ...] = ()
    """More hosts, domains and ranges that are reached directly."""
