"""The Debian archives that this host's apt uses, read from /etc/apt at run time. The lab's apt proxy uses the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dev.lab.command import run
from dev.lab.errors import LabError


@dataclass(frozen=True)
class Source:
    """One line of apt's sources: where, and which suites."""

    uri: str
    suites: tuple[str, ...]


def parse_list(text: str) -> list[Source]:
    """The `deb` lines of the one-line format."""
    sources: list[Source] = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words or words[0] != "deb":
            continue
        words = words[1:]
        if words and words[0].startswith("["):
            while words and not words[0].endswith("]"):
                words.pop(0)
            words = words[1:]
        if len(words) >= 2:
            sources.append(Source(words[0], (words[1],)))
    return sources


def parse_deb822(text: str) -> list[Source]:
    """The enabled stanzas of a .sources file that list binary packages."""
    sources: list[Source] = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split() or stanza.get("enabled", "yes").strip().lower() == "no":
            continue
        suites = tuple(stanza.get("suites", "").split())
        sources.extend(Source(uri, suites) for uri in stanza.get("uris", "").split())
    return sources


def _stanzas(text: str) -> Iterable[dict[str, str]]:
    stanza: dict[str, str] = {}
    field = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, field = {}, ""
        elif line[0].isspace() and field:
            stanza[field] += " " + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            field = name.strip().lower()
            stanza[field] = value.strip()


def read(folder: Path = Path("/etc/apt")) -> list[Source]:
    """Every source that apt reads, in its order."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*.list"))]
    sources = [source for file in files if file.exists() for source in parse_list(file.read_text(errors="replace"))]
    for file in sorted((folder / "sources.list.d").glob("*.sources")):
        sources.extend(parse_deb822(file.read_text(errors="replace")))
    return sources


def archives(sources: Iterable[Source], release: str = "bookworm") -> tuple[list[str], list[str]]:
    """The URLs of the archives with the release itself and of those with its security updates, without duplicates."""
    debian: list[str] = []
    security: list[str] = []
    for source in sources:
        if not source.uri.startswith(("http://", "https://")):
            continue
        uri = source.uri.rstrip("/")
        if release in source.suites and uri not in debian:
            debian.append(uri)
        if any(suite.startswith((f"{release}-security", f"{release}/updates")) for suite in source.suites):
            security.append(uri)
    if not debian:
        raise LabError(
            f"no apt source in /etc/apt offers the suite {release} over HTTP: "
            "the lab's machines get their Debian packages from the same archives as this host"
        )
    return debian, list(dict.fromkeys(security)) or debian


def proxy() -> str:
    """The proxy that apt uses, or ""."""
    for line in run("apt-config", "dump", "Acquire::http::Proxy", check=False).splitlines():
        words = line.split('"')
        if line.startswith("Acquire::http::Proxy ") and len(words) >= 2 and words[1] not in ("", "DIRECT"):
            return words[1]
    return ""
