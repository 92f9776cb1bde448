"""The benchmark's own arithmetic: which part a process plays, and what a sampled stack was busy with."""

import pytest

from dev.bench.__main__ import table
from dev.bench.previews import Measured, settings
from dev.bench.usage import Usage, ours, part, shares
from settings.load import parse


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("pulumi", ["pulumi", "preview"], "engine"),
        ("pulumi-resource", ["/home/pulumi-resource-openstack", "127.0.0.1:1"], "plugin openstack"),
        ("python3", ["python3", "/home/pulumi-resource-command"], "plugin command"),
        ("python3", ["python3", "/bin/pulumi-language-python-exec", "--monitor"], "program"),
        ("pulumi-language", ["/bin/pulumi-language-python"], "language host"),
        ("python3", ["python3", "-m", "pip", "list"], "pip list"),
    ],
)
def test_every_process_has_its_part(name: str, arguments: list[str], expected: str) -> None:
    assert part(name, arguments) == expected


SAMPLES = """\
<module> (/p/__main__.py:9);_find_and_load (<frozen importlib._bootstrap>:1);<module> (/p/settings/model.py:3) 10
<module> (/p/__main__.py:9);parse (/p/settings/load.py:3);validate (/v/site-packages/pydantic/main.py:7) 4
<module> (/p/__main__.py:9);__init__ (/p/components/machine.py:4) 6
<module> (/p/__main__.py:9);__init__ (/p/components/machine.py:4);render (/v/site-packages/jinja2/e.py:4) 5
<module> (/p/__main__.py:9);__init__ (/p/components/machine.py:4);archive (/p/machines/common/agent_command.py:4) 3
<module> (/p/__main__.py:9);__init__ (/p/components/machine.py:4);entry (/p/agent/system/units.py:4) 2
<module> (/p/__main__.py:9);__init__ (/p/components/machine.py:4);register (/v/site-packages/pulumi/settings.py:4) 70
"""


def test_a_sample_belongs_to_the_innermost_part_that_is_known() -> None:
    found = shares(SAMPLES.splitlines())
    assert found == {
        "registration": 0.7,
        "import": 0.1,
        "rendering": 0.1,
        "components": 0.06,
        "settings": 0.04,
    }
    assert ours(found) == pytest.approx(0.2)


def test_no_samples_are_no_shares() -> None:
    assert shares([]) == {}


@pytest.mark.parametrize("machines", [9, 10, 1000, 4900])
def test_the_benchmark_asks_for_the_machines_it_names(machines: int) -> None:
    assert len(parse(settings(machines), "bench").plan.machines) == machines


def test_the_table_has_a_row_a_size() -> None:
    use = Usage(0, "", 2.25, 400.4, {"engine": 0.5, "program": 1.25})
    one = Measured(10, 159, use, use, 1.5, {"registration": 0.7, "components": 0.3}, {})
    lines = table([one]).splitlines()
    assert lines[2] == "| 10 | 159 | 2.2 s | 400 MiB | 2.2 s | 400 MiB | 1.5 MiB |"
    assert "processor seconds: program 1.2, engine 0.5" in lines[4]
    assert "our Python: 30%" in lines[4]
