"""Limits for the time and memory of a preview.

The figures in docs/performance.md are from an idle host. A pipeline's host is slower, which is not the program's fault.
So the limits for processor time are twice an idle host's, and the limits for wall time are so wide that only a preview
that waits for something breaks them.
"""

import pytest

from dev.bench import previews
from dev.bench.previews import Measured
from dev.bench.usage import ours

# It measures, so nothing else may run, and it raises the project's quota.
pytestmark = pytest.mark.alone

SMALL, LARGE = 10, 200
#: Processor time of all processes, in seconds.
SMALL_PROCESSOR, PROCESSOR_A_MACHINE = 7.0, 0.08
#: Wall time in seconds: five times what an idle host with 2 cores needs.
SMALL_SECONDS, SECONDS_A_MACHINE = 12.0, 0.15
#: MiB: 2 GiB for 1,000 machines, of which the programs themselves need about 400 MiB.
SMALL_MEMORY, MEMORY_A_MACHINE = 700.0, 1.6


@pytest.fixture(scope="module", params=[SMALL, LARGE])
def measured(request: pytest.FixtureRequest) -> Measured:
    """The measurements for one size."""
    with previews.enough_quota():
        return previews.measure(request.param, runs=2 if request.param == SMALL else 1)


def test_time_and_memory_grow_no_faster_than_the_machines(measured: Measured) -> None:
    more = measured.machines - SMALL
    for run in (measured.first, measured.unchanged):
        assert sum(run.processor.values()) <= SMALL_PROCESSOR + more * PROCESSOR_A_MACHINE, run.processor
        assert run.wall <= SMALL_SECONDS + more * SECONDS_A_MACHINE, run.processor
        assert run.peak_mib <= SMALL_MEMORY + more * MEMORY_A_MACHINE


def test_a_machine_adds_few_and_small_resources(measured: Measured) -> None:
    assert measured.resources <= 170 + 6 * (measured.machines - SMALL)
    assert measured.state_mib <= 0.92 + 0.062 * (measured.machines - SMALL)


def test_our_own_code_takes_less_than_a_third_of_the_program_s_time(measured: Measured) -> None:
    for shares in (measured.shares_first, measured.shares_unchanged):
        assert sum(shares.values()) == pytest.approx(1)
        assert ours(shares) < 1 / 3, shares
