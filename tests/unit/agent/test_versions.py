"""Versions of packages, as Debian writes them."""

import pytest

from agent.system.versions import minor_of, natural_order, split_wanted, upstream_version, version_matches


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [
        ("1.34.2-1.1", "1.34.2"),
        ("1:1.34.2", "1.34.2"),
        ("3.6.5+ds1-2", "3.6.5"),
        ("2.0", ""),
        ("1:2.2.7-1+b2", "1:2.2.7-1+b2"),
    ],
)
def test_the_epoch_and_a_revision_that_is_not_wanted_do_not_matter(installed: str, wanted: str) -> None:
    assert version_matches(installed, wanted)


@pytest.mark.parametrize(
    ("installed", "wanted"),
    [
        ("1.34.20-1.1", "1.34.2"),
        ("1.34.2.1", "1.34.2"),
        ("1.35.0", "1.34.2"),
        ("1.3402", "1.34"),
        ("2.6.12-1+deb12u3", "2.6.12-1+deb12u4"),
    ],
)
def test_another_version_does_not_match(installed: str, wanted: str) -> None:
    assert not version_matches(installed, wanted)


def test_parts_of_versions() -> None:
    assert split_wanted("kubelet=1.34.2") == ("kubelet", "1.34.2")
    assert split_wanted("jq") == ("jq", "")
    assert upstream_version("1:1.34.2-1.1") == "1.34.2"
    assert upstream_version("3.6.5+ds1-2") == "3.6.5"
    assert minor_of("3.6.5") == 6


def test_numbers_in_names_are_compared_as_numbers() -> None:
    kernels = ["6.1.0-18-amd64", "6.1.0-9-amd64", "6.10.0-1-amd64"]
    assert sorted(kernels, key=natural_order) == ["6.1.0-9-amd64", "6.1.0-18-amd64", "6.10.0-1-amd64"]
