"""Medians over many drills' reports."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from ops import __main__ as command_line
from ops.drill import cli, summary
from ops.drill.probes.probe import Outage
from ops.drill.report import FAILED, PASSED, Report, as_json
from ops.shared.errors import OpsError


def line(drill: str, status: int = PASSED, gap: float | None = 1.0, lost: int = 0, **times: Any) -> str:
    outage = Outage(10, 1, gap, acknowledged=20, lost=lost)
    return as_json(Report(drill, "mine", "", [], status, probes={"API write": outage}, **times))


def test_a_row_is_the_median_of_the_runs_that_passed_with_the_longest_in_brackets() -> None:
    lines = [
        line("gateway", gap=1.0, detection_seconds=2.0, recovery_seconds=30.0),
        line("gateway", gap=9.0, detection_seconds=2.0, recovery_seconds=34.0),
        line("gateway", gap=2.0, detection_seconds=2.0, recovery_seconds=31.0),
        line("gateway", FAILED, gap=300.0),
        "",
        line("etcd-data-loss", gap=None, lost=3),
    ]
    assert summary.table(summary.read(lines)).splitlines()[2:] == [
        "| `gateway` | 3 | 2.0 s |  | 2.0 (9.0) s |  |  | 31.0 (34.0) s | 60 | 0 |",
        "| `etcd-data-loss` | 1 |  |  |  |  |  |  | 20 | 3 |",
    ]


def test_the_command_reads_the_file_of_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "drills.jsonl"
    file.write_text(line("gateway") + "\n")
    assert cli.run(argparse.Namespace(name="summary", report=file)) == 0
    assert "| `gateway` | 1 |" in capsys.readouterr().out
    with pytest.raises(OpsError, match="--report FILE"):
        cli.run(argparse.Namespace(name="summary", report=None))
    file.write_text(json.dumps({"no": "report"}))
    assert command_line.main(["drill", "summary", "--report", str(file)]) == 2
    assert "is not a file of reports" in capsys.readouterr().err
