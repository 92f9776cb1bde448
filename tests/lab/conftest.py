"""Order and fixtures of the lab tests: one platform, made once, tested, and destroyed at the end."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.machines import Machines
from tests.lab.platform import Platform, run
from tests.lab.report import FIGURES, record

#: Modules in the order of a platform's life. Each may rely on what the previous ones left.
ORDER = (
    "test_up",
    "test_status",
    "test_security",
    "test_backups",
    "test_failover",
    "test_repair",
    "test_maintenance",
    "test_scaling",
    # The long modules come late, so that the others are sure to run, and before the upgrade, which cannot be undone.
    "test_rotation",
    "test_etcd_growth",
    "test_drills",
    "test_faults",
    "test_power_cut",
    "test_destroy_half_made",
    "test_earlier_release",
    "test_upgrade_chain",
    "test_upgrade",
    "test_destroy",
)

#: The tests marked `long` take an hour: `make test-drills` runs them, `make test` and the pipeline do not.
LONG = bool(os.environ.get("DRILLS"))

#: For writing tests: REUSE_PLATFORM=1 runs them on the existing platform that `make up` left.
REUSE = bool(os.environ.get("REUSE_PLATFORM"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run the modules in their order, without the long tests unless they are wanted."""
    if not LONG:
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: ORDER.index(item.module.__name__.rpartition(".")[2]))  # type: ignore[attr-defined]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if FIGURES:
        terminalreporter.section("measured on the lab")
        for what, value in FIGURES:
            terminalreporter.write_line(f"{what:<60} {value}")


@pytest.fixture(scope="session")
def machines() -> Machines:
    """The machines as the lab's cloud sees them."""
    return Machines()


def _has_resources() -> bool:
    done = run("pulumi", "stack", "export", seconds=60)
    deployment = (json.loads(done.text).get("deployment") or {}) if done.status == 0 else {}
    return len(deployment.get("resources") or []) > 1 or bool(deployment.get("pending_operations"))


@pytest.fixture(scope="session")
def empty_cloud() -> None:
    """Make sure that the project is empty, whatever an earlier run left."""
    if REUSE:
        return
    if _has_resources() or Machines().left():
        done = run("/usr/bin/python3", "-m", "dev.lab", "reset", seconds=600)
        assert done.status == 0, done.text
        subprocess.run(["bash", "-c", "source dev/scripts/environment.sh lab"], check=True, timeout=60)
        record("lab reset", f"{done.seconds:.0f} s")


@pytest.fixture(scope="session")
def platform(empty_cloud: None, machines: Machines) -> Iterator[Platform]:
    """The platform, after an `up` that was killed half-way and a second one that completed it."""
    made = Platform()
    if REUSE:
        yield made
        return
    made.interrupted_up(lambda: len(machines.names()) >= 5, 180)
    done = made.up()
    assert done.status == 0, done.text
    record("up after a killed one, with the proof", f"{done.seconds:.0f} s")
    yield made
