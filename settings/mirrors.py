"""Where packages, images, charts and files come from, and the proxies on the way."""

from typing import Annotated

from pydantic import StringConstraints

from settings.model import Section

HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+(/[^\s]*)?$")]
ProxyUrl = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/@]+(:\d+)?/?)?$")]
ChartRoot = Annotated[str, StringConstraints(pattern=r"^oci://[^\s/]+/[^\s]+$")]


class AptSource(Section):
    """One apt source. Without `keyUrl` it is trusted as it is, which only a closed site's own mirror should be."""

    uri: HttpUrl
    """Root of the repository."""
    suite: str
    """Suite, as in sources.list."""
    components: tuple[str, ...] = ()
    """Components, as in sources.list."""
    key_url: HttpUrl | None = None
    """URL of its signing key, ASCII armored."""


class MirrorSettings(Section):
    """Mirrors. Everything empty means the upstream places."""

    debian: tuple[AptSource, ...] = ()
    """Replaces the machines' own apt sources."""
    kubernetes: AptSource | None = None
    """Repository of kubeadm, kubelet, kubectl and kubernetes-cni; the community's own when empty."""
    images: dict[str, HttpUrl] = {}
    """Registry host (docker.io, registry.k8s.io, ...) to the URL of its mirror."""
    charts: ChartRoot | None = None
    """Root under which every chart lies by its own name; each chart's upstream when empty."""
    files: HttpUrl | None = None
    """Root for release archives (etcd); the upstream releases when empty."""


class ProxySettings(Section):
    """HTTP proxies of the machines; NO_PROXY is computed from the networks and extended by `extraNoProxy`."""

    http: ProxyUrl = ""
    """Proxy for http:// URLs."""
    https: ProxyUrl = ""
    """Proxy for https:// URLs."""
    extra_no_proxy: tuple[str, ...] = ()
    """Further hosts, domains and ranges that are reached directly."""
