"""Documentation: links lead somewhere, lines are short, words are plain, and every drill has its runbook."""

import re
import subprocess
from pathlib import Path

import pytest

from ops.drill import drills

PROJECT = Path(__file__).parents[2]
RUNBOOKS = PROJECT / "docs" / "runbooks"
WIDTH = 120
#: Pages that programs write: their sentences are checked where they come from.
GENERATED = ("docs/settings.md", "tests/unit/ops/golden/")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_NOT_PLAIN = re.compile(r"\b(?:anew|of before|at work|shall|is told)\b", re.IGNORECASE)


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


def by_hand() -> list[Path]:
    """The pages that people write."""
    return [page for page in pages() if not str(page.relative_to(PROJECT)).startswith(GENERATED)]


def text(page: Path) -> str:
    """A page with its code blocks left blank, so that lines keep their numbers."""
    whole = page.read_text(encoding="utf-8")
    return re.sub(r"```.*?```", lambda block: "\n" * block[0].count("\n"), whole, flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Its headings, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in _LINK.findall(text(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


@pytest.mark.parametrize("page", by_hand(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_lines_are_short(page: Path) -> None:
    """Rows of tables cannot be broken."""
    lines = enumerate(text(page).splitlines(), 1)
    assert not [number for number, line in lines if len(line) > WIDTH and not line.lstrip(" >").startswith("|")]


@pytest.mark.parametrize("page", by_hand(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_words_are_plain(page: Path) -> None:
    assert not _NOT_PLAIN.findall(" ".join(text(page).split()))


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
