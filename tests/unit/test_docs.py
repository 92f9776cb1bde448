"""Documentation: links lead somewhere, and every drill has its runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ops.drill import drills

PROJECT = Path(__file__).parents[2]
RUNBOOKS = PROJECT / "docs" / "runbooks"
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> list[Path]:
    """Every Markdown file of the project, but for the parts that docs/settings.md is made of."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [name for name in listed.stdout.splitlines() if not name.startswith("settings/reference/")]
    return [PROJECT / name for name in found if (PROJECT / name).exists()]


def anchors(page: Path) -> set[str]:
    """Its headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def test_every_drill_has_a_page() -> None:
    """Named in the table of drills, which names no other."""
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([a-z-]+)` \| \[[^\]]+\]\(([^)]+)\) \|$", index, re.MULTILINE))
    assert table.keys() == drills.known().keys()


def test_every_page_is_in_the_index() -> None:
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    first = index.split("## Practise them")[0]
    assert {page.name for page in RUNBOOKS.glob("*.md")} - {"README.md"} == set(
        re.findall(r"\]\(([a-z-]+\.md)\)", first)
    )
