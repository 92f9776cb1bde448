"""What the picture of a platform is drawn with: boxes and texts in SVG, in light and in dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

#: A letter's width in parts of its size, for what must fit; and the size below which nobody reads it.
LETTER, SMALLEST = 0.64, 9.0

#: Colours in light and in dark: background, text, faint text, frames, cards; then an accent for each role.
STYLE = """
.bg{fill:#f6f8fa}.frame{fill:#fff;stroke:#d0d7de}.card{fill:#fff}.inner{fill:#f6f8fa}
text{fill:#1f2328}.faint{fill:#59636e}.head{font-weight:600}.link{stroke:#8c959f;stroke-width:1.5;fill:none}
.gateway{stroke:#bc6c00}.etcd{stroke:#1a7f37}.control-plane{stroke:#0969da}.worker{stroke:#8250df}.vip{stroke:#cf222e}
.in-cluster{stroke:#8c959f;stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){
.bg{fill:#0d1117}.frame{fill:#151b23;stroke:#3d444d}.card{fill:#212830}.inner{fill:#0d1117}
text{fill:#f0f6fc}.faint{fill:#9198a1}.link{stroke:#656c76}
.gateway{stroke:#e3a03c}.etcd{stroke:#3fb950}.control-plane{stroke:#58a6ff}.worker{stroke:#bc8cff}.vip{stroke:#ff7b72}
.in-cluster{stroke:#656c76}
}
""".strip()


def text(x: float, y: float, content: str, size: float = 12, kind: str = "", anchor: str = "start") -> str:
    """A line of text."""
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" font-size="{size:g}"{anchored}>{escape(content)}</text>'


def fitted(x: float, y: float, content: str, width: float, largest: float, kind: str, anchor: str = "start") -> str:
    """A text that fits into a width: smaller, and where nobody could read that, without its beginning."""
    most = int(width / (LETTER * SMALLEST))
    shown = content if len(content) <= most else "…" + content[-(most - 1) :]
    return text(x, y, shown, round(min(largest, width / (LETTER * max(len(shown), 1))), 1), kind, anchor)


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """A connection."""
    return f'<path class="link" d="M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}"/>'


def frame(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A box with round corners."""
    return f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="8"/>'


def chip(middle: float, y: float, content: str) -> list[str]:
    """A virtual address: it belongs to no machine."""
    width = 7.2 * len(content) + 28
    box = f'x="{middle - width / 2:.0f}" y="{y:.0f}" width="{width:.0f}" height="26" rx="13"'
    return [f'<rect class="card vip" stroke-width="1.5" {box}/>', text(middle, y + 17, content, 13, "", "middle")]


def card(x: float, y: float, width: float, height: int, role: str, name: str, lines: Sequence[str]) -> list[str]:
    """One machine: its name, and addresses below."""
    box = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height}" rx="6"'
    middle = x + width / 2
    parts = [
        f'<g><title>{escape(", ".join([name, *lines]))}</title><rect class="card {role}" stroke-width="1.5" {box}/>',
        fitted(middle, y + 19, name, width - 10, 12, "head", "middle"),
    ]
    parts += [
        fitted(middle, y + 35 + 15 * number, line, width - 10, 11.5, "faint", "middle")
        for number, line in enumerate(lines)
    ]
    return [*parts, "</g>"]
