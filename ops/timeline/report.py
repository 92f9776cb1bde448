"""A timeline as a table for the terminal and as a picture (SVG) for documents."""

from __future__ import annotations

from html import escape

from rich.console import Console
from rich.table import Table

from ops.timeline.steps import Run, Step

#: Colours by kind of resource, the first that matches the type; readable for colour-blind people (Okabe and Ito).
COLOURS = (
    ("openstack:compute", "Machines", "#0072B2"),
    ("openstack:", "Network", "#56B4E9"),
    ("tls:", "Keys and certificates", "#B8B8B8"),
    ("command:", "Steps on machines", "#009E73"),
    ("kubernetes:", "Inside Kubernetes", "#CC79A7"),
    ("", "Other", "#999999"),
)
CRITICAL = "#D55E00"
#: Sizes in pixels: a row, the head, names with types, types alone, the bars, the right margin.
ROW, TOP, LABELS, TYPES, BARS, MARGIN = 17, 84, 350, 118, 800, 60


def _kind(step: Step) -> tuple[str, str]:
    """Name and colour of a step's kind."""
    return next((name, colour) for prefix, name, colour in COLOURS if step.type.startswith(prefix))


def _short_type(step: Step) -> str:
    return step.type.rsplit(":", 1)[-1]


def show(console: Console, run: Run) -> None:
    """Prints every step in order of its start, then the critical path with the waiting in between."""
    table = Table(title=f"{len(run.steps)} operations in {run.seconds:.0f} s (times in seconds; * critical path)")
    for column in ("", "resource", "type", "operation"):
        table.add_column(column, overflow="fold")
    for column in ("start", "end", "took"):
        table.add_column(column, justify="right")
    for step in run.steps:
        mark = "*" if step in run.critical else ""
        operation = f"{step.operation}, FAILED" if step.failed else step.operation
        times = (f"{step.start:.0f}", f"{step.end:.0f}", f"{step.seconds:.0f}")
        table.add_row(mark, step.name, _short_type(step), operation, *times, style="bold" if mark else None)
    console.print(table)

    path = Table(title="Critical path" if run.by_dependencies else "Critical path, guessed from times (give --state)")
    path.add_column("resource", overflow="fold")
    path.add_column("type")
    for column in ("waited", "took", "at"):
        path.add_column(column, justify="right")
    before = 0.0
    for step in run.critical:
        waited = max(0.0, step.start - before)
        path.add_row(step.name, _short_type(step), f"{waited:.0f}", f"{step.seconds:.0f}", f"{step.end:.0f}")
        before = step.end
    console.print(path)


def _tick_seconds(seconds: float) -> int:
    """Distance of the time marks, for at most a dozen of them."""
    return next((tick for tick in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if seconds / tick <= 12), 1200)


def _text(x: float, y: float, content: str, size: int = 11, **attributes: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{more}>{escape(content)}</text>'


def _legend(steps: list[Step]) -> list[str]:
    kinds = dict(_kind(step) for step in steps)
    kinds = {name: colour for _, name, colour in COLOURS if name in kinds}
    parts, x = [], float(LABELS)
    for name, colour in [*kinds.items(), ("Critical path", CRITICAL)]:
        parts.append(f'<rect x="{x:.1f}" y="40" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 17, 50, name))
        x += 30 + 6.6 * len(name)
    return parts


def _axis(run: Run, scale: float, bottom: float) -> list[str]:
    parts = []
    tick = _tick_seconds(run.seconds)
    for second in range(0, int(run.seconds) + 1, tick):
        x = LABELS + second * scale
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#E4E4E4"/>')
        parts.append(_text(x, TOP - 10, f"{second} s", 10, text_anchor="middle", fill="#666666"))
    return parts


def _row(run: Run, step: Step, y: float, scale: float) -> list[str]:
    critical = step in run.critical
    colour = CRITICAL if critical else _kind(step)[1]
    x, width = LABELS + step.start * scale, max(2.0, step.seconds * scale)
    name = step.name if len(step.name) <= 36 else step.name[:35] + "…"
    outcome = " (failed)" if step.failed else ""
    title = f"{step.name}: {step.operation}, {step.start:.0f} to {step.end:.0f} s{outcome}"
    outline = ' stroke="#000000"' if step.failed else ""
    return [
        _text(LABELS - TYPES, y + 12, name, text_anchor="end", font_weight="bold" if critical else "normal"),
        _text(LABELS - TYPES + 8, y + 12, _short_type(step)[:18], 10, fill="#777777"),
        f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="{width:.1f}" height="{ROW - 4}" rx="2" fill="{colour}"{outline}>'
        f"<title>{escape(title)}</title></rect>",
        _text(x + width + 4, y + 12, f"{step.seconds:.0f} s{outcome}", 10, fill="#444444"),
    ]


def picture(run: Run, title: str = "") -> str:
    """The SVG: a bar for each step that took longer than a second, the critical path in a colour of its own."""
    drawn = [step for step in run.steps if step.seconds > 1 or step.failed or step in run.critical]
    scale = BARS / max(run.seconds, 1.0)
    bottom = TOP + ROW * len(drawn)
    width, height = LABELS + BARS + MARGIN, bottom + 28
    heading = title or "Timeline"
    note = f"{len(run.steps)} operations in {run.seconds:.0f} s"
    if len(drawn) < len(run.steps):
        note += f"; {len(run.steps) - len(drawn)} of at most 1 s are not drawn"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' font-family="system-ui, sans-serif" role="img">',
        f"<title>{escape(heading)}</title>",
        f'<rect width="{width}" height="{height}" fill="#FFFFFF"/>',
        _text(LABELS, 24, heading, 16, font_weight="bold"),
        *_legend(drawn),
        *_axis(run, scale, bottom),
    ]
    for number, step in enumerate(drawn):
        parts += _row(run, step, TOP + ROW * number, scale)
    parts.append(_text(LABELS, bottom + 18, note, fill="#444444"))
    return "\n".join([*parts, "</svg>"]) + "\n"
