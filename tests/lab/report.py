"""Figures that the lab tests measure: kept together and printed at the end, never asserted tightly."""

from __future__ import annotations

FIGURES: list[tuple[str, str]] = []


def record(what: str, value: str) -> None:
    """Keep a figure for the report."""
    FIGURES.append((what, value))
