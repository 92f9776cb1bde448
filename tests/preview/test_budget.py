"""What a preview may cost.

The figures in docs/performance.md are of an idle machine. What a pipeline's machine is slower by, and what it waits
for, is not the program's doing: the limits here are of processor time, twice an idle machine's, and of time by the
clock so wide that only a preview which waits for something breaks them.
"""

from __future__ import annotations

import pytest

from dev.bench import previews, program_time
from dev.bench.previews import Measured

# Its figures are of a machine without other work, and it raises the project's quota.
pytestmark = pytest.mark.alone

SMALL, LARGE = 10, 200
#: Seconds of all processes' processor time.
SMALL_PROCESSOR, PROCESSOR_A_MACHINE = 7.0, 0.08
#: Seconds by the clock: five times what an idle machine of 2 cores needs.
SMALL_SECONDS, SECONDS_A_MACHINE = 12.0, 0.15
#: MiB: 2 GiB for 1,000 machines, of which the programs themselves need some 400.
SMALL_MEMORY, MEMORY_A_MACHINE = 700.0, 1.6


@pytest.fixture(scope="module", params=[SMALL, LARGE])
def measured(request: pytest.FixtureRequest) -> Measured:
    """A size, measured."""
    with previews.enough_quota():
        return previews.measure(request.param, runs=2 if request.param == SMALL else 1)


def test_time_and_memory_grow_with_the_machines_and_no_faster(measured: Measured) -> None:
    more = measured.machines - SMALL
    for run in (measured.first, measured.unchanged):
        assert sum(run.processor.values()) <= SMALL_PROCESSOR + more * PROCESSOR_A_MACHINE, run.processor
        assert run.wall <= SMALL_SECONDS + more * SECONDS_A_MACHINE, run.processor
        assert run.peak_mib <= SMALL_MEMORY + more * MEMORY_A_MACHINE


def test_a_machine_is_few_and_small_resources(measured: Measured) -> None:
    assert measured.resources <= 160 + 5 * (measured.machines - SMALL)
    assert measured.state_mib <= 2 + 0.11 * (measured.machines - SMALL)


def test_less_than_a_third_of_the_programs_time_is_our_own(measured: Measured) -> None:
    for shares in (measured.shares_first, measured.shares_unchanged):
        assert sum(shares.values()) == pytest.approx(1)
        assert program_time.ours(shares) < 1 / 3, shares
