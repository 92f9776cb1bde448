"""The agent as it travels: what is in it, that its bytes depend on the sources alone, that it is the same program."""

import ast
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from machines.common.agent_archive import PROJECT, agent_archive, agent_sources, strip_source
from machines.common.agent_bundle import AgentBundle, Secret

SOURCES = sorted((PROJECT / "agent").rglob("*.py"))


def without_docstrings(source: str) -> str:
    """The program as Python sees it; a body of nothing else is `pass`."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or ([] if isinstance(node, ast.Module) else [ast.Pass()])
    return ast.dump(tree)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_module_is_the_same_program(path: Path) -> None:
    source = path.read_text()
    stripped = strip_source(source)
    assert ast.dump(ast.parse(stripped)) == without_docstrings(source)
    # Lines keep their numbers.
    names = {(node.name, node.lineno) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
    assert names == {(n.name, n.lineno) for n in ast.walk(ast.parse(stripped)) if isinstance(n, ast.FunctionDef)}


def test_what_is_cut_out() -> None:
    source = '''"""Module."""

# A comment.
import os  # why


class One(Exception):
    """Only this."""


def two(a: str) -> str:
    """Doc

    of lines.
    """
    text = """ # no comment
        kept "as it is"
    """  # a comment
    return text + (
        "#"  # another
        f"{a}# no comment"
        """x
            y"""
    )
'''
    assert strip_source(source) == (
        "\n\n\nimport os\n\n\nclass One(Exception):\n pass\n\n\ndef two(a: str) -> str:\n\n\n\n\n"
        ' text = """ # no comment\n        kept "as it is"\n    """\n return text + (\n"#"\n'
        '        f"{a}# no comment"\n        """x\n            y"""\n)\n'
    )


def project(folder: Path, **modules: str) -> Path:
    """A project whose agent has these modules, by name with __ for a dot."""
    for name in ("agent", "agent/roles", "agent/system"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "__init__.py").write_text("")
    (folder / "agent/__main__.py").write_text("def main(words):\n    print(words)\n")
    for name, text in modules.items():
        (folder / "agent" / f"{name.replace('__', '/')}.py").write_text(text)
    return folder


def test_only_what_a_role_needs(tmp_path: Path) -> None:
    here = project(
        tmp_path,
        roles__a="from agent.system import files\nfrom agent import clock\n",
        roles__b="import agent.system.other\n",
        system__files="def f():\n    from agent.system.late import x\n",
        system__late="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from agent.system.other import x\n",
        system__other="",
        clock="import os.path, subprocess\n",
    )
    found = set(agent_sources(["agent.roles.a"], here))
    assert found == {f"agent/{name}.py" for name in ("__init__", "roles/__init__", "system/__init__", "roles/a",
                                                     "system/files", "system/late", "clock")}  # fmt: skip
    assert "agent/system/other.py" in agent_sources(["agent.roles.b"], here)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import yaml\n", "agent.roles.a line 1: yaml is neither the agent's nor the standard library's"),
        ("\nfrom settings.plan import Plan\n", "agent.roles.a line 2: settings.plan is neither"),
        ("from . import b\n", "imports within the agent are absolute"),
        ("import agent.nothing\n", "the agent has no module agent.nothing"),
    ],
)
def test_what_is_refused(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        agent_sources(["agent.roles.a"], project(tmp_path, roles__a=source))


def test_bytes_depend_on_nothing_but_the_sources(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        project(folder, roles__a="import os\n")
    (two / "agent/__init__.py").chmod(0o600)
    (two / "agent/roles/a.py").write_text('"""Doc."""\nimport os\n'.replace('"""Doc."""\n', ""))
    first = agent_archive("agent.roles.a", project=one)
    assert agent_archive("agent.roles.a", project=two) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "agent.pyz"
    file.write_bytes(agent_archive("agent.roles.a", project=project(tmp_path, roles__a="")))
    ended = subprocess.run(["python3", "-I", file, "one", "two"], capture_output=True, text=True, check=True)
    assert ended.stdout == "['one', 'two']\n"


def test_an_old_python_says_so() -> None:
    with zipfile.ZipFile(io.BytesIO(agent_archive())) as archive:
        start = archive.read("__main__.py").decode()
    old = start.replace("import sys\n", "import sys\nsys.version_info = (3, 9)\n", 1)
    with pytest.raises(SystemExit, match=r"the agent needs Python 3\.10 or newer, this is 3"):
        exec(old, {})


def test_the_command_shows_what_changed_and_no_value() -> None:
    state = {
        "gateway": {"haproxy": "global", "key": Secret("made-up")},
        "name": "a",
        "users": [{"password": Secret("x")}],
    }

    class Sample(AgentBundle):
        agent = b"zip"

    def lines(bundle: AgentBundle) -> list[str]:
        return [line for line in bundle.script().splitlines() if line.startswith("# ")]

    found = lines(Sample("gateway", state))
    assert found[0].startswith("# openstack-paas: converge gateway.")
    assert [line.split()[1] for line in found[1:]] == ["agent", "gateway.haproxy", "gateway.key", "name", "users"]
    assert "# gateway.key secret" in found
    other = lines(Sample("gateway", state | {"users": [{"password": Secret("y")}]}))
    assert other == found
    other = lines(Sample("gateway", state | {"name": "b"}))
    assert [one for one, two in zip(found, other, strict=True) if one != two] == [found[4]]


def test_the_shell_that_starts_the_agent_is_short() -> None:
    template = (PROJECT / "machines/common/run-agent.sh.j2").read_text()
    assert len(template.splitlines()) <= 30
