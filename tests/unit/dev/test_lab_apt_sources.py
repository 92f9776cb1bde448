"""Reading apt's sources in both of its formats."""

from pathlib import Path

import pytest

from dev.errors import DevError
from dev.lab.apt_sources import archives, parse_deb822, parse_list, read

DEB822 = """\
Types: deb
# a comment between the fields
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb deb-src
URIs: http://mirror.example/debian-security/
Suites:
 bookworm-security
Components: main

Types: deb
URIs: https://other.example/apt
Suites: bookworm
Enabled: no

Types: deb-src
URIs: http://mirror.example/sources
Suites: bookworm
"""
ONE_LINE = """\
# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/some.gpg] http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/security bookworm-security/updates main # at the end
deb file:/srv/debian bookworm main
deb
"""


def test_deb822() -> None:
    assert parse_deb822(DEB822) == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/debian", "bookworm-updates"),
        ("http://mirror.example/debian-security/", "bookworm-security"),
    ]


def test_one_line_format() -> None:
    assert parse_list(ONE_LINE) == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/security", "bookworm-security/updates"),
        ("file:/srv/debian", "bookworm"),
    ]


def test_archives_leave_out_what_is_no_web_address() -> None:
    found = archives([*parse_list(ONE_LINE), *parse_deb822(DEB822)])
    assert found == (
        ["http://mirror.example/debian"],
        ["http://mirror.example/security", "http://mirror.example/debian-security"],
    )


def test_one_archive_may_serve_both() -> None:
    assert archives([("http://one.example/all", "bookworm")]) == (["http://one.example/all"],) * 2


def test_no_archive_is_a_clear_error() -> None:
    with pytest.raises(DevError, match="no apt source in /etc/apt offers the suite bookworm"):
        archives([("http://one.example/all", "trixie")])


def test_reads_every_file(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d/debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d/off.sources.disabled").write_text(
        "Types: deb\nURIs: http://off.example\nSuites: bookworm\n"
    )
    assert read(tmp_path) == [*parse_list(ONE_LINE), *parse_deb822(DEB822)]
