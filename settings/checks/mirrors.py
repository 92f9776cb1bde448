"""Mirrors and proxies: URLs, apt sources, registries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from settings.checks.urls import host_address, host_and_port, urls
from settings.mirrors import AptSource
from settings.problem import Problem
from settings.rules import Context

_HOST: Final = re.compile(r"([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?\.?)+")
#: An entry of a list of hosts without proxy: a name, a .domain, an address or a range. Instead of `*`, set no proxy.
_DIRECT: Final = re.compile(r"\.?[A-Za-z0-9][A-Za-z0-9._-]*(/[0-9]{1,2})?(:[0-9]{1,5})?")
#: Hosts that serve Docker Hub. containerd knows it only by the name in image references.
_DOCKER_HUB: Final = ("registry-1.docker.io", "index.docker.io", "registry.hub.docker.com", "hub.docker.com")


def errors(context: Context) -> Iterator[Problem]:
    """Every URL, and combinations of a mirror's keys."""
    settings = context.settings
    for key, url in urls(settings):
        yield from _url(key, url)
    mirrors = settings.mirrors
    for index, source in enumerate(mirrors.debian):
        yield from _source(f"mirrors.debian.{index}", source)
    if mirrors.kubernetes is not None:
        yield from _source("mirrors.kubernetes", mirrors.kubernetes)
    for host in sorted(set(mirrors.images) & set(_DOCKER_HUB)):
        rule = "is not a host that image references name, so nothing uses it"
        yield Problem(f"mirrors.images.{host}", "", rule, "write docker.io")
    for index, entry in enumerate(settings.proxy.extra_no_proxy):
        if not _DIRECT.fullmatch(entry):
            yield Problem(
                f"proxy.extraNoProxy.{index}",
                entry,
                "must be a host, a domain that begins with a dot, an address or a range",
                "write one in each entry, as .example.org",
            )


def _url(key: str, url: str) -> Iterator[Problem]:
    try:
        host, _ = host_and_port(url)
    except ValueError:
        yield Problem(key, url, "has an invalid port (1 to 65535)", "use a valid port")
        return
    numbers = host.replace(".", "").isdigit()
    if not _HOST.fullmatch(host) or (numbers and host_address(url) is None):
        yield Problem(key, url, f"has an invalid host ({host or 'empty'})", "write a host name or an IPv4 address")


def _source(key: str, source: AptSource) -> Iterator[Problem]:
    """sources.list(5): a suite that ends with a slash has no components, any other has some."""
    flat = source.suite.endswith("/")
    if flat and source.components:
        yield Problem(
            f"{key}.components",
            f"[{', '.join(source.components)}]",
            f"cannot be combined with the flat suite {source.suite}",
            "remove components, or the slash at the suite's end",
            others=(f"{key}.suite",),
        )
    if not flat and not source.components:
        yield Problem(
            f"{key}.components",
            "",
            f"are missing: the suite {source.suite} has some, as sources.list says",
            "write components: [main]",
            others=(f"{key}.suite",),
        )


def warnings(context: Context) -> Iterator[Problem]:
    """Unsigned packages over an unencrypted connection."""
    settings = context.settings
    if settings.preset != "production":
        return
    sources = {f"mirrors.debian.{index}": source for index, source in enumerate(settings.mirrors.debian)}
    if settings.mirrors.kubernetes is not None:
        sources["mirrors.kubernetes"] = settings.mirrors.kubernetes
    open_ones = [key for key, source in sources.items() if not source.key_url and source.uri.startswith("http://")]
    if open_ones:
        yield Problem(
            f"{open_ones[0]}.keyUrl",
            "",
            f"is missing in {len(open_ones)} source{'s' if len(open_ones) > 1 else ''} over plain http: packages "
            "are trusted unverified",
            "set keyUrl, or use https, unless the network to the mirror is private",
        )
