"""The agent as it travels to a machine: a zip with the modules that a role needs, without docstrings and comments.

Its bytes depend on nothing but the agent's sources. A state holds it twice a machine, hence small: modules are found by
following imports. Lines keep their numbers, so that a message from a machine names the line of the source.
"""

import ast
import hashlib
import io
import sys
import tokenize
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

#: The folder that has the package `agent`.
PROJECT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "agent"
MAIN: Final = f"{PACKAGE}.__main__"
#: The oldest Python that machines may have (Ubuntu 22.04).
OLDEST_PYTHON: Final = (3, 10)

#: What Python runs first. Older ones can read it, too, so they say what is wrong.
_START: Final = f"""\
import sys
if sys.version_info < {OLDEST_PYTHON}:
    sys.exit("FAILED: the agent needs Python {".".join(map(str, OLDEST_PYTHON))} or newer, this is " + sys.version)
from {MAIN} import main
sys.exit(main(sys.argv[1:]))
"""


@cache
def agent_archive(*modules: str, project: Path = PROJECT) -> bytes:
    """The zip with agent.__main__, these modules, and all that they import of the agent.

    Raises ValueError when one of them is not there, or imports anything else than the standard library.
    """
    sources = agent_sources((MAIN, *modules), project)
    files = {"__main__.py": _START} | {path: strip_source(text) for path, text in sources.items()}
    content = io.BytesIO()
    # Not compressed, for the whole is on its way. Nor do the bytes depend on zlib's version then.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[path])
    return content.getvalue()


def digest_of(archive: bytes) -> str:
    """The part of an archive's name that tells it from others."""
    return hashlib.sha256(archive).hexdigest()[:12]


def agent_sources(modules: Iterable[str], project: Path = PROJECT) -> Mapping[str, str]:
    """The sources of the modules and of all that they import of the agent, by path. Raises ValueError."""
    found: dict[str, str] = {}
    waiting = list(modules)
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        path = _path_of(module, project)
        if path is None:
            raise ValueError(f"the agent has no module {module}")
        found[path.relative_to(project).as_posix()] = source = path.read_text(encoding="utf-8")
        waiting.extend(_imports(module, source, project))
        waiting.extend([module.rpartition(".")[0]] if "." in module else [])
    return dict(sorted(found.items()))


def _path_of(module: str, project: Path) -> Path | None:
    whole = project.joinpath(*module.split("."))
    return next((path for path in (whole / "__init__.py", whole.with_suffix(".py")) if path.is_file()), None)


def _imports(module: str, source: str, project: Path) -> Iterator[str]:
    """The modules of the agent that this one imports, wherever it does, except for annotations alone."""
    for node in _outside_of_type_checking(ast.parse(source, module)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module} line {node.lineno}: imports within the agent are absolute")
            names = [str(node.module)]
            # A name may be a module of the package, too.
            names += [full for alias in node.names if _path_of(full := f"{node.module}.{alias.name}", project)]
        else:
            continue
        for name in names:
            package = name.partition(".")[0]
            if package == PACKAGE:
                yield name
            elif package not in sys.stdlib_module_names:
                raise ValueError(
                    f"{module} line {node.lineno}: {name} is neither the agent's nor the standard library's"
                )


def _outside_of_type_checking(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for other in child.orelse:
                yield other
                yield from _outside_of_type_checking(other)
            continue
        yield child
        yield from _outside_of_type_checking(child)


def strip_source(source: str) -> str:
    """The same program without docstrings and comments, indented by one space a level. Lines keep their numbers.

    Text is only cut out, by positions: the result is the same with each version of Python that runs this.
    """
    tree = ast.parse(source)
    docstrings, inside = _docstrings(tree), _inside_of_text(tree)
    comments, levels = _comments_and_levels(source)
    result = []
    for number, line in enumerate(source.splitlines(), 1):
        if number in docstrings:
            line = docstrings[number]
        elif number in comments:
            line = line[: comments[number]].rstrip()
        if number not in inside or number in docstrings:
            # Lines within brackets need no indentation.
            line = (" " * levels.get(number, 0) + line.lstrip()) if line.strip() else ""
        result.append(line)
    return "\n".join(result).rstrip("\n") + "\n"


def _docstrings(tree: ast.Module) -> dict[int, str]:
    """What takes the place of each line of a docstring: nothing, but where a body would be empty."""
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is None:
            continue
        first = node.body[0]
        found |= dict.fromkeys(range(first.lineno, (first.end_lineno or first.lineno) + 1), "")
        if len(node.body) == 1 and not isinstance(node, ast.Module):
            found[first.lineno] = "pass"
    return found


def _inside_of_text(tree: ast.Module) -> set[int]:
    """The lines that begin within a string, or between its parts."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)):
            found.update(range(node.lineno + 1, (node.end_lineno or node.lineno) + 1))
    return found


def _comments_and_levels(source: str) -> tuple[dict[int, int], dict[int, int]]:
    """By line: the column of its comment, and the level of indentation where a statement begins."""
    comments, levels = {}, {}
    level, begins = 0, True
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            comments[line] = token.start[1]
        elif token.type == tokenize.INDENT:
            level += 1
        elif token.type == tokenize.DEDENT:
            level -= 1
        elif token.type == tokenize.NEWLINE:
            begins = True
        elif begins and token.type not in (tokenize.NL, tokenize.ENDMARKER):
            levels[line], begins = level, False
    return comments, levels
