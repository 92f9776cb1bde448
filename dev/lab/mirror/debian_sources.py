"""The lab machines' apt sources for Debian: the mirror's apt proxy."""

SUITE = "bookworm"


def source_lines(apt_proxy: str) -> list[str]:
    """The apt sources of a machine or image that gets Debian from this proxy."""
    return [
        f"deb {apt_proxy}/debian {SUITE} main",
        f"deb {apt_proxy}/debian {SUITE}-updates main",
        f"deb {apt_proxy}/debian-security {SUITE}-security main",
    ]
