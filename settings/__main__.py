"""`python -m settings docs|schema|project` prints what is made from the settings, `write` writes all of it."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from settings.reference import json_schema, markdown, project_file

PROJECT: Final = Path(__file__).resolve().parent.parent
_PULUMI: Final = PROJECT / "Pulumi.yaml"

#: What is made, by name: the file that it belongs in and how it is made.
MADE: Final[Mapping[str, tuple[Path, Callable[[], str]]]] = {
    "docs": (PROJECT / "docs" / "settings.md", markdown.document),
    "schema": (PROJECT / "docs" / "stack.schema.json", json_schema.document),
    "project": (_PULUMI, lambda: project_file.document(_PULUMI.read_text(encoding="utf-8"))),
}


def main(arguments: list[str]) -> int:
    """Print one, or write all."""
    parser = argparse.ArgumentParser(prog="python -m settings", description=__doc__)
    parser.add_argument("what", choices=[*MADE, "write"])
    what = parser.parse_args(arguments).what
    if what == "write":
        for path, make in MADE.values():
            path.write_text(make(), encoding="utf-8")
            print(path.relative_to(PROJECT))
    else:
        print(MADE[what][1](), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
