"""Versions of packages and programs, as Debian writes them: [EPOCH:]UPSTREAM[-REVISION]."""

import re


def split_wanted(entry: str) -> tuple[str, str]:
    """Name and version of `name=version`; a `name` alone has no version."""
    name, _, version = entry.partition("=")
    return name, version


def version_matches(installed: str, wanted: str) -> bool:
    """Whether 1:1.34.2-1.1 is 1.34.2: the epoch does not matter, nor a revision where none is wanted.

    No wanted version matches all.
    """
    installed, wanted = _without_epoch(installed), _without_epoch(wanted)
    return not wanted or installed == wanted or re.match(f"{re.escape(wanted)}[-+~]", installed) is not None


def upstream_version(version: str) -> str:
    """1.34.2 of 1:1.34.2-1.1."""
    return re.split("[-+~]", _without_epoch(version), maxsplit=1)[0]


def minor_of(version: str) -> int:
    """6 of 3.6.5."""
    return int(version.split(".")[1])


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """A key by which 6.1.0-18 comes after 6.1.0-9, for `sorted` and `max`."""
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", text))


def _without_epoch(version: str) -> str:
    return version.partition(":")[2] or version
