"""URLs in the settings: which there are, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import AddressValueError, IPv4Address
from urllib.parse import urlsplit

from settings.mirrors import AptSource
from settings.platform_settings import PlatformSettings


def _of_source(key: str, source: AptSource) -> Iterator[tuple[str, str]]:
    yield f"{key}.uri", source.uri
    if source.key_url:
        yield f"{key}.keyUrl", source.key_url


def urls(settings: PlatformSettings) -> Iterator[tuple[str, str]]:
    """Every URL that machines ask, by key."""
    mirrors, proxy = settings.mirrors, settings.proxy
    for index, source in enumerate(mirrors.debian):
        yield from _of_source(f"mirrors.debian.{index}", source)
    if mirrors.kubernetes is not None:
        yield from _of_source("mirrors.kubernetes", mirrors.kubernetes)
    for host, url in sorted(mirrors.images.items()):
        yield f"mirrors.images.{host}", url
    if settings.backups.copy_to.s3 is not None:
        yield "backups.copyTo.s3.endpoint", settings.backups.copy_to.s3.endpoint
    for key, one in (
        ("mirrors.charts", mirrors.charts),
        ("mirrors.files", mirrors.files),
        ("proxy.http", proxy.http),
        ("proxy.https", proxy.https),
    ):
        if one:
            yield key, one


def host_and_port(url: str) -> tuple[str, int | None]:
    """Host and port of a URL; raises ValueError when the port is none."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port


def host_address(url: str) -> IPv4Address | None:
    """The URL's host where it is an IPv4 address."""
    try:
        return IPv4Address(urlsplit(url).hostname or "")
    except (AddressValueError, ValueError):
        return None
