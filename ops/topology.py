"""`paas topology`: the picture of a platform (SVG), from its outputs: networks, virtual addresses, machines by role."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from ops.shared import outputs as stack_outputs
from ops.shared.options import Commands, add_outputs
from ops.shared.outputs import Machine, Outputs

#: Sizes in pixels: the picture, its margin, the room inside a frame, between two things; a machine, at its widest.
WIDTH, MARGIN, INSIDE, GAP = 1120, 24, 14, 10
CARD_WIDTH, CARD_HEIGHT = 208, 46
#: A gateway, and the bar for everything outside.
GATEWAY_WIDTH, GATEWAY_HEIGHT, OUTSIDE_WIDTH = 196, 62, 620
#: Height of the title, of a frame's head line, of the bars, and of the lines between them.
TITLE, HEAD, BAR, LINK = 78, 34, 42, 26
#: Most machines of one frame beside each other.
COLUMNS = 8
#: A letter's width in parts of its size, for what must fit; and the size below which nobody can read it.
LETTER, SMALLEST = 0.64, 9.0
FONTS = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
#: Colours in light and in dark: background, text, faint text, frames, cards; then one for each role.
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


def add(commands: Commands) -> None:
    """Adds the command."""
    parser = commands.add_parser("topology", help="draw the platform: networks, addresses, machines, versions (SVG)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there instead of printing it")
    add_outputs(parser)
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0, or 2 when the file cannot be written. Raises OutputsError."""
    drawn = picture(stack_outputs.load(arguments.stack, arguments.outputs))
    if not arguments.output:
        sys.stdout.write(drawn)
        return 0
    try:
        arguments.output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{arguments.output} cannot be written: {error.strerror}\n")
        return 2
    return 0


@dataclass(frozen=True)
class Group:
    """Machines that belong together: a frame of the picture."""

    title: str
    role: str
    machines: Sequence[Machine]

    @property
    def columns(self) -> int:
        """How many machines are beside each other."""
        return min(len(self.machines), COLUMNS)

    @property
    def height(self) -> int:
        """Of the frame, in pixels."""
        rows = -(-len(self.machines) // self.columns)
        return HEAD + rows * (CARD_HEIGHT + GAP) - GAP + INSIDE


def groups(outputs: Outputs) -> list[Group]:
    """etcd, control planes and each pool of workers; a role without machines is left out."""
    members, versions = outputs.role("etcd"), outputs.versions
    control_planes = f"control planes{'' if members else ' with etcd'}, Kubernetes {versions.get('kubernetes', '')}"
    pools: dict[str, list[Machine]] = {}
    for machine in outputs.role("worker"):
        pools.setdefault(machine.pool, []).append(machine)
    found = [
        Group(f"etcd {versions.get('etcd', '')}", "etcd", members),
        Group(control_planes, "control-plane", outputs.role("control-plane")),
        *(Group(f"workers, pool {pool}" if pool else "workers", "worker", some) for pool, some in pools.items()),
    ]
    return [group for group in found if group.machines]


def rows(all_groups: Sequence[Group]) -> list[list[Group]]:
    """Frames beside each other, as many as fit."""
    found: list[list[Group]] = []
    for group in all_groups:
        if found and sum(one.columns for one in found[-1]) + group.columns <= COLUMNS:
            found[-1].append(group)
        else:
            found.append([group])
    return found


def picture(outputs: Outputs) -> str:
    """The SVG."""
    outside, below = _outside(outputs)
    private, bottom = _private(outputs, below)
    height, versions = bottom + MARGIN, outputs.versions
    title = f"{outputs.fixed.get('clusterName') or 'Platform'}: {len(outputs.inventory)} machines"
    facts = [
        f"preset {outputs.preset}" if outputs.preset else "",
        f"Kubernetes {versions.get('kubernetes', '')}",
        f"etcd {versions['etcd']}" if "etcd" in versions else "",
        f"MariaDB {versions['mariadb']}" if outputs.database and "mariadb" in versions else "",
    ]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' font-family="{FONTS}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="bg" width="{WIDTH}" height="{height}"/>',
        _text(MARGIN, 36, title, 20, "head"),
        _text(MARGIN, 58, " · ".join(filter(None, facts)), 13, "faint"),
    ]
    return "\n".join([*parts, *outside, *private, "</svg>\n"])


def _outside(outputs: Outputs) -> tuple[list[str], int]:
    """Users, the edge network with the public addresses, the gateways. Returns where the private network begins."""
    gateways, middle = outputs.role("gateway"), WIDTH / 2
    balancer = " (load balancer of the cloud)" if outputs.fixed.get("api.loadBalancer") == "octavia" else ""
    ingress = f"  ·  ingress {outputs.entry_host}:80, 443" if outputs.role("worker") else ""
    edge = TITLE + BAR + LINK
    top = edge + BAR + LINK
    parts = [
        _line(middle, TITLE + BAR, edge),
        _box(middle - OUTSIDE_WIDTH / 2, TITLE, OUTSIDE_WIDTH, BAR, "frame"),
        _text(middle, TITLE + 18, "outside", 12, "faint", "middle"),
        _text(middle, TITLE + 34, f"API {outputs.api_endpoint}{balancer}{ingress}", 13, "head", "middle"),
        _box(MARGIN, edge, WIDTH - 2 * MARGIN, BAR, "frame"),
        _text(MARGIN + INSIDE, edge + 26, f"edge network {outputs.fixed.get('network.edge', '')}".strip(), 13, "head"),
    ]
    if len(gateways) > 1 and outputs.entry_host not in {gateway.public_address for gateway in gateways}:
        parts += _chip(edge + 8, f"public VIP {outputs.entry_host}")
    step = min(GATEWAY_WIDTH + 40, (WIDTH - 2 * MARGIN) / max(len(gateways), 1))
    below = top + GATEWAY_HEIGHT + LINK
    for number, gateway in enumerate(gateways):
        x = middle + step * (number - (len(gateways) - 1) / 2)
        addresses = [f"{gateway.public_address} outside"] * bool(gateway.public_address) + [f"{gateway.address} inside"]
        parts += [_line(x, edge + BAR, top), _line(x, top + GATEWAY_HEIGHT, below)]
        left = x - GATEWAY_WIDTH / 2
        parts += _card(left, top, GATEWAY_WIDTH, GATEWAY_HEIGHT, "gateway", outputs.short(gateway), addresses)
    return parts, below


def _private(outputs: Outputs, top: int) -> tuple[list[str], int]:
    """The private network with everything in it. Returns where it ends."""
    fixed, x, width = outputs.fixed, MARGIN + INSIDE, WIDTH - 2 * MARGIN - 2 * INSIDE
    parts = [_text(x, top + 26, f"private network {fixed.get('network.private', '')}".strip(), 13, "head")]
    if vip := fixed.get("network.privateVipAddress", ""):
        parts += _chip(top + 8, f"private VIP {vip}: the machines' way out, and to the API")
    y = top + BAR + 8
    for row in rows(groups(outputs)):
        parts += _row(outputs, row, y)
        y += max(group.height for group in row) + GAP
    cni, database = outputs.versions.get("cni", ""), outputs.database
    words = [f"pods {fixed.get('network.pods', '')}".strip() + (f" by {cni}" if cni else "")]
    words.append(f"services {fixed.get('network.services', '')}".strip())
    if database:
        copies = f", replicating to {', '.join(database.replicas)}" if database.replicas else ""
        words.append(f"MariaDB: {database.primary} (primary){copies}")
    parts += [
        _box(x, y, width, 40, "card in-cluster"),
        _text(x + INSIDE, y + 25, "in the cluster", 13, "head"),
        _fitted(x + width - INSIDE, y + 25, "  ·  ".join(words), width - 140, 13, "faint", "end"),
    ]
    bottom = y + 40 + INSIDE
    return [_box(MARGIN, top, WIDTH - 2 * MARGIN, bottom - top, "frame"), *parts], bottom


def _row(outputs: Outputs, row: Sequence[Group], y: int) -> list[str]:
    """Frames that share the whole width by their numbers of columns."""
    room = WIDTH - 2 * MARGIN - 2 * INSIDE - GAP * (len(row) - 1)
    columns, height = sum(group.columns for group in row), max(group.height for group in row)
    x, parts = float(MARGIN + INSIDE), list[str]()
    for group in row:
        width = room * group.columns / columns
        parts.append(_box(x, y, width, height, "inner"))
        parts.append(_fitted(x + INSIDE, y + 22, group.title, width - 2 * INSIDE - 24, 13, "head"))
        if len(group.machines) > 1:
            parts.append(_text(x + width - INSIDE, y + 22, str(len(group.machines)), 13, "faint", "end"))
        wide = min((width - 2 * INSIDE - GAP * (group.columns - 1)) / group.columns, CARD_WIDTH)
        for number, machine in enumerate(group.machines):
            left = x + INSIDE + (number % group.columns) * (wide + GAP)
            top = y + HEAD + (number // group.columns) * (CARD_HEIGHT + GAP)
            parts += _card(left, top, wide, CARD_HEIGHT, group.role, outputs.short(machine), [machine.address])
        x += width + GAP
    return parts


def _text(x: float, y: float, content: str, size: float, kind: str = "", anchor: str = "start") -> str:
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}" font-size="{size:g}"{anchored}>{escape(content)}</text>'


def _fitted(x: float, y: float, content: str, width: float, largest: float, kind: str, anchor: str = "start") -> str:
    """A text that fits into a width: smaller, and where nobody could read that, without its beginning."""
    most = int(width / (LETTER * SMALLEST))
    shown = content if len(content) <= most else "…" + content[-(most - 1) :]
    return _text(x, y, shown, round(min(largest, width / (LETTER * max(len(shown), 1))), 1), kind, anchor)


def _line(x: float, y1: float, y2: float) -> str:
    """A connection, from above to below."""
    return f'<path class="link" d="M{x:.0f} {y1:.0f}L{x:.0f} {y2:.0f}"/>'


def _box(x: float, y: float, width: float, height: float, kind: str) -> str:
    return f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="8"/>'


def _chip(y: float, content: str) -> list[str]:
    """A virtual address, in the middle: it belongs to no machine."""
    width = 7.2 * len(content) + 28
    box = f'x="{WIDTH / 2 - width / 2:.0f}" y="{y:.0f}" width="{width:.0f}" height="26" rx="13"'
    return [f'<rect class="card vip" stroke-width="1.5" {box}/>', _text(WIDTH / 2, y + 17, content, 13, "", "middle")]


def _card(x: float, y: float, width: float, height: int, role: str, name: str, lines: Sequence[str]) -> list[str]:
    """One machine: its name, and addresses below."""
    box = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height}" rx="6"'
    middle, room = x + width / 2, width - 10
    return [
        f'<g><title>{escape(", ".join([name, *lines]))}</title><rect class="card {role}" stroke-width="1.5" {box}/>',
        _fitted(middle, y + 19, name, room, 12, "head", "middle"),
        *(
            _fitted(middle, y + 35 + 15 * number, text, room, 11.5, "faint", "middle")
            for number, text in enumerate(lines)
        ),
        "</g>",
    ]
