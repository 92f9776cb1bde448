"""Kubeconfigs as kubeadm and kubelets write them: one cluster, one user, certificates embedded in lines of their own.

There is no YAML in Python's standard library, and kubectl takes ten times as long as reading a line.
"""

import base64
import re

from agent.machine import Failed


def field(text: str, name: str) -> str:
    """The first value of that name, empty where there is none."""
    found = re.search(rf"^[ -]*{re.escape(name)}: *[\"']?([^\s\"']+)", text, re.MULTILINE)
    return found[1] if found else ""


def embedded(text: str, name: str) -> str:
    """What is embedded under a name, decoded; empty where there is none, or where it cannot be decoded."""
    try:
        return base64.b64decode(field(text, name), validate=True).decode()
    except ValueError:
        return ""


def pair(text: str) -> tuple[str, str]:
    """The embedded certificate and key of who asks."""
    return embedded(text, "client-certificate-data"), embedded(text, "client-key-data")


def embeds(text: str, authorities: str) -> bool:
    """Whether it trusts exactly these authorities."""
    return embedded(text, "certificate-authority-data") == authorities


def embed(text: str, authorities: str) -> str:
    """The kubeconfig with these authorities: kubeadm embeds the first alone. Raises Failed if it names none."""
    encoded = base64.b64encode(authorities.encode()).decode()
    line, wanted = r"^( *)certificate-authority(-data)?:.*$", rf"\1certificate-authority-data: {encoded}"
    new, count = re.subn(line, wanted, text, count=1, flags=re.MULTILINE)
    if not count:
        raise Failed("a kubeconfig of this machine names no certificate authority")
    return new


def leading_to(text: str, endpoint: str) -> str:
    """The kubeconfig, leading to the API at host:port."""
    return re.sub(r"^( *server: ).*$", rf"\g<1>https://{endpoint}", text, flags=re.MULTILINE)
