"""`python -m dev.bench`: time, memory and state of previews by the number of machines (make bench-preview)."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from dev.bench import previews, usage


def _shares(of: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in of.items() if share >= 0.005)


def _processor(of: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in sorted(of.items(), key=lambda one: -one[1]))


def table(measured: Sequence[previews.Measured]) -> str:
    """A Markdown table with a row per size, followed by where the time goes."""
    lines = [
        "| machines | resources | first preview | its memory | preview without changes | its memory | state |",
        f"|{'---|' * 7}",
    ]
    lines += [
        f"| {one.machines} | {one.resources} | {one.first.wall:.1f} s | {one.first.peak_mib:.0f} MiB "
        f"| {one.unchanged.wall:.1f} s | {one.unchanged.peak_mib:.0f} MiB | {one.state_mib:.1f} MiB |"
        for one in measured
    ]
    for one in measured:
        runs = (("first preview", one.first, one.shares_first), ("no changes", one.unchanged, one.shares_unchanged))
        for title, use, shares in runs:
            lines += [
                "",
                f"{one.machines} machines, {title}: processor seconds: {_processor(use.processor)}. "
                f"Of the program's own time: {_shares(shares)}; our Python: {usage.ours(shares):.0%}.",
            ]
    return "\n".join(lines)


def main() -> int:
    """Measure each size and print the table."""
    parser = argparse.ArgumentParser(prog="python -m dev.bench", description=__doc__)
    parser.add_argument("machines", type=int, nargs="*", default=[10, 100, 500, 1000], help="sizes, at least 9 each")
    parser.add_argument("--runs", type=int, default=3, help="how often each preview runs; the fastest run counts")
    arguments = parser.parse_args()
    if min(arguments.machines) <= previews.FIXED_MACHINES:
        parser.error(f"each size must be at least {previews.FIXED_MACHINES + 1} (the fixed machines and one worker)")
    measured = []
    with previews.enough_quota():
        for machines in arguments.machines:
            measured.append(previews.measure(machines, arguments.runs))
            sys.stderr.write(f"{machines} machines: {measured[-1].first.wall:.1f} s\n")
    print(table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
