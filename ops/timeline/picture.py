"""A timeline as a picture (SVG) for documents."""

from pathlib import Path

from jinja2 import StrictUndefined, Template

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


def draw(run: Run, title: str = "") -> str:
    """A bar for each step that took longer than a second, the critical path in a colour of its own."""
    drawn = [step for step in run.steps if step.seconds > 1 or step.failed or step in run.critical]
    note = f"{len(run.steps)} operations in {run.seconds:.0f} s"
    if len(drawn) < len(run.steps):
        note += f"; {len(run.steps) - len(drawn)} of at most 1 s are not drawn"
    template = Path(__file__).with_name("picture.svg.j2").read_text(encoding="utf-8")
    return Template(
        template, undefined=StrictUndefined, autoescape=True, trim_blocks=True, keep_trailing_newline=True
    ).render(
        run=run,
        drawn=drawn,
        title=title or "Timeline",
        note=note,
        # Time marks: at most a dozen.
        tick=next((tick for tick in (1, 2, 5, 10, 20, 30, 60, 120, 300, 600) if run.seconds / tick <= 12), 1200),
        legend={name: colour for _, name, colour in COLOURS if colour in map(colour_of, drawn)}
        | {"Critical path": CRITICAL},
        colour_of=colour_of,
        CRITICAL=CRITICAL,
    )


def colour_of(step: Step) -> str:
    """The colour of a step's kind."""
    return next(colour for prefix, _, colour in COLOURS if step.type.startswith(prefix))
