"""Figures that the lab tests measure, printed at the end of the run."""

FIGURES: list[tuple[str, str]] = []


def record(what: str, value: str) -> None:
    """Keep a figure for the report."""
    FIGURES.append((what, value))
