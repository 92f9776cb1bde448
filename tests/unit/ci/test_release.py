"""What a release consists of: one version, locked packages, and a virtual environment where Pulumi.yaml says."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

PROJECT = Path(__file__).parents[3]
LOCKS = ("requirements", "requirements-dev")
PACKAGE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def wanted(name: str) -> dict[str, Requirement]:
    """The packages that a .in file names."""
    lines = (PROJECT / f"{name}.in").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith(("#", "-"))]
    return {each.name.lower(): each for each in found}


def locked(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """The packages of a .txt file with their hashes."""
    text = (PROJECT / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            parsed = Requirement(requirement)
            found[parsed.name.lower()] = (parsed, hashes)
    return found


def test_the_newest_release_of_the_changelog_is_the_packages_version() -> None:
    headings = re.findall(r"^## (.+)$", (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    releases = [re.fullmatch(r"(\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]]
    assert all(releases), headings
    assert releases[0]
    assert releases[0][1] == PACKAGE["version"]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_locked_by_version_and_hash(name: str) -> None:
    packages = locked(name)
    for requirement, hashes in packages.values():
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier)), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_is_that_of_its_source(name: str) -> None:
    """`make lock` writes it."""
    packages = locked(name)
    for key, requirement in wanted(name).items():
        pinned, _ = packages[key]
        assert not requirement.specifier or pinned.specifier == requirement.specifier, key


def test_both_locks_agree() -> None:
    """They are installed together."""
    program, tools = (locked(name) for name in LOCKS)
    for key in program.keys() & tools.keys():
        assert program[key][0].specifier == tools[key][0].specifier, key


def test_no_lock_names_an_index() -> None:
    for name in LOCKS:
        assert "://" not in (PROJECT / f"{name}.txt").read_text(encoding="utf-8")


def test_pulumi_looks_for_packages_where_git_ignores_them() -> None:
    project = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text(encoding="utf-8"))
    folder = project["runtime"]["options"]["virtualenv"]
    # Without a slash at its end, for `make venv` makes it a link.
    assert folder in (PROJECT / ".gitignore").read_text(encoding="utf-8").splitlines()
