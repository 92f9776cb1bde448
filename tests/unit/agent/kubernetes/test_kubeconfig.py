"""Kubeconfigs, line by line."""

import pytest

from agent.kubernetes import kubeconfig
from agent.machine import Failed
from tests.unit.agent.kubernetes.node_support import kubeconfig as made


def test_what_is_embedded() -> None:
    text = made("authority\n", "192.0.2.5:6443")
    assert kubeconfig.embedded(text, "certificate-authority-data") == "authority\n"
    assert kubeconfig.embedded(text, "client-key-data") == ""
    assert kubeconfig.embedded("client-key-data: '%%'\n", "client-key-data") == ""
    assert kubeconfig.embeds(text, "authority\n")
    assert not kubeconfig.embeds(text, "authority\nanother\n")


def test_other_authorities() -> None:
    text = made("authority\n", "192.0.2.5:6443")
    new = kubeconfig.embed(text, "authority\nanother\n")
    assert kubeconfig.embeds(new, "authority\nanother\n")
    assert new.splitlines()[4:] == text.splitlines()[4:]
    assert kubeconfig.embeds(kubeconfig.embed("    certificate-authority: /ca.crt\n", "other\n"), "other\n")
    with pytest.raises(Failed, match="names no certificate authority"):
        kubeconfig.embed("kind: Config\n", "x")


def test_where_it_leads_to() -> None:
    text = made("authority\n", "192.0.2.5:6443")
    assert kubeconfig.leading_to(text, "192.0.2.5:6443") == text
    assert kubeconfig.leading_to(text, "192.0.2.5:644") != text
    assert kubeconfig.leading_to(text, "127.0.0.1:6443") == made("authority\n", "127.0.0.1:6443")
