"""The Debian archives that this host's apt uses, read from /etc/apt at run time. The lab's apt proxy uses the same."""

import re
from collections.abc import Iterable
from email.parser import HeaderParser
from pathlib import Path

from dev.errors import DevError
from dev.lab.command import run

#: The address of an archive, and one of its suites.
Source = tuple[str, str]


def parse_list(text: str) -> list[Source]:
    """The `deb` lines of the one-line format."""
    lines = (re.match(r"\s*deb\s+(?:\[[^]]*\]\s*)?(\S+)\s+(\S+)", line.partition("#")[0]) for line in text.splitlines())
    return [(found[1], found[2]) for found in lines if found]


def parse_deb822(text: str) -> list[Source]:
    """The enabled stanzas of a .sources file that list binary packages."""
    sources: list[Source] = []
    without_comments = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", without_comments):
        fields = HeaderParser().parsestr(stanza.lstrip())
        if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes").strip().lower() != "no":
            suites = fields.get("Suites", "").split()
            sources += [(uri, suite) for uri in fields.get("URIs", "").split() for suite in suites]
    return sources


def read(folder: Path = Path("/etc/apt")) -> list[Source]:
    """Every source that apt reads, in its order."""
    sources: list[Source] = []
    for file in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))):
        sources += parse_list(file.read_text(errors="replace")) if file.exists() else []
    for file in sorted((folder / "sources.list.d").glob("*.sources")):
        sources += parse_deb822(file.read_text(errors="replace"))
    return sources


def archives(sources: Iterable[Source], release: str = "bookworm") -> tuple[list[str], list[str]]:
    """The URLs of the archives with the release itself and of those with its security updates, without duplicates."""
    offered = [(uri.rstrip("/"), suite) for uri, suite in sources if uri.startswith(("http://", "https://"))]
    debian = [uri for uri, suite in offered if suite == release]
    security = [uri for uri, suite in offered if suite.startswith((f"{release}-security", f"{release}/updates"))]
    if not debian:
        raise DevError(
            f"no apt source in /etc/apt offers the suite {release} over HTTP: "
            "the lab's machines get their Debian packages from the same archives as this host"
        )
    return list(dict.fromkeys(debian)), list(dict.fromkeys(security or debian))


def proxy() -> str:
    """The proxy that apt uses, or ""."""
    dump = run("apt-config", "dump", "Acquire::http::Proxy", check=False)
    found = re.search(r'^Acquire::http::Proxy "(.*?)"', dump, re.MULTILINE)
    return found[1] if found and found[1] != "DIRECT" else ""
