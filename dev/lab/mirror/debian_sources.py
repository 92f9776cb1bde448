"""Debian as the lab's machines see it: through the mirror's apt proxy."""

SUITE = "bookworm"


def source_lines(apt_proxy: str) -> list[str]:
    """The apt sources of a machine or image whose Debian comes from this proxy."""
    return [
        f"deb {apt_proxy}/debian {SUITE} main",
        f"deb {apt_proxy}/debian {SUITE}-updates main",
        f"deb {apt_proxy}/debian-security {SUITE}-security main",
    ]
