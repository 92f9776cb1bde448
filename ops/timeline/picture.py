"""A timeline as a picture (SVG) for documents."""

from html import escape

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


def draw(run: Run, title: str = "") -> str:
    """A bar for each step that took longer than a second, the critical path in a colour of its own."""
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
    ]
    kinds = {_kind(step) for step in drawn}
    x = float(LABELS)
    for kind in [*(kind[1:] for kind in COLOURS if kind[1:] in kinds), ("Critical path", CRITICAL)]:
        name, colour = kind
        parts.append(f'<rect x="{x:.1f}" y="40" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 17, 50, name))
        x += 30 + 6.6 * len(name)
    # Time marks: at most a dozen.
    tick = next((tick for tick in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if run.seconds / tick <= 12), 1200)
    for second in range(0, int(run.seconds) + 1, tick):
        x = LABELS + second * scale
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#E4E4E4"/>')
        parts.append(_text(x, TOP - 10, f"{second} s", 10, text_anchor="middle", fill="#666666"))
    for number, step in enumerate(drawn):
        parts += _row(step, step in run.critical, TOP + ROW * number, scale)
    return "\n".join([*parts, _text(LABELS, bottom + 18, note, fill="#444444"), "</svg>"]) + "\n"


def _row(step: Step, critical: bool, y: float, scale: float) -> list[str]:
    colour = CRITICAL if critical else _kind(step)[1]
    x, width = LABELS + step.start * scale, max(2.0, step.seconds * scale)
    name = step.name if len(step.name) <= 36 else step.name[:35] + "…"
    outcome, outline = (" (failed)", ' stroke="#000000"') if step.failed else ("", "")
    title = escape(f"{step.name}: {step.operation}, {step.start:.0f} to {step.end:.0f} s{outcome}")
    return [
        _text(LABELS - TYPES, y + 12, name, text_anchor="end", font_weight="bold" if critical else "normal"),
        _text(LABELS - TYPES + 8, y + 12, short_type(step)[:18], 10, fill="#777777"),
        f'<rect x="{x:.1f}" y="{y + 2:.1f}" width="{width:.1f}" height="{ROW - 4}" rx="2" fill="{colour}"{outline}>'
        f"<title>{title}</title></rect>",
        _text(x + width + 4, y + 12, f"{step.seconds:.0f} s{outcome}", 10, fill="#444444"),
    ]


def _text(x: float, y: float, content: str, size: int = 11, **attributes: str) -> str:
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"{more}>{escape(content)}</text>'


def _kind(step: Step) -> tuple[str, str]:
    """Name and colour of a step's kind."""
    return next((name, colour) for prefix, name, colour in COLOURS if step.type.startswith(prefix))


def short_type(step: Step) -> str:
    """Instance, of openstack:compute/instance:Instance."""
    return step.type.rsplit(":", 1)[-1]
