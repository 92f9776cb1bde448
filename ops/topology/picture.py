"""The picture of a platform (SVG): networks, gateways with their virtual addresses, and all machines by role. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ops.shared.outputs import Machine, Outputs
from ops.topology.shapes import STYLE, card, chip, fitted, frame, line, text

#: Sizes in pixels: the picture, its margin, the room inside of a frame, between two things; a machine, at its widest.
WIDTH, MARGIN, INSIDE, GAP = 1120, 24, 14, 10
CARD_WIDTH, CARD_HEIGHT = 208, 46
#: Height of a frame's head line, and of the bar of the edge network.
HEAD, BAR = 34, 42
#: Most machines of one frame beside each other.
COLUMNS = 8


@dataclass(frozen=True)
class Group:
    """Machines that belong together: a frame of the picture."""

    title: str
    role: str
    machines: tuple[Machine, ...]

    @property
    def columns(self) -> int:
        """How many of them stand beside each other."""
        return min(len(self.machines), COLUMNS)

    @property
    def height(self) -> int:
        """Of the frame."""
        rows = -(-len(self.machines) // self.columns)
        return HEAD + rows * (CARD_HEIGHT + GAP) - GAP + INSIDE


def groups(outputs: Outputs) -> list[Group]:
    """etcd, control planes and each pool of workers; a role without machines is left out."""
    members, servers = outputs.role("etcd"), outputs.role("control-plane")
    kubernetes = f"Kubernetes {outputs.versions.get('kubernetes', '')}"
    found = [
        Group(f"etcd {outputs.versions.get('etcd', '')}", "etcd", tuple(members)),
        Group(f"control planes{'' if members else ' with etcd'}, {kubernetes}", "control-plane", tuple(servers)),
    ]
    pools: dict[str, list[Machine]] = {}
    for machine in outputs.role("worker"):
        pools.setdefault(machine.pool, []).append(machine)
    found += [
        Group(f"workers, pool {name}" if name else "workers", "worker", tuple(machines))
        for name, machines in pools.items()
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
    top = 78
    parts, bottom = _outside(outputs, top)
    more, bottom = _private(outputs, bottom)
    parts += more
    height = bottom + MARGIN
    cluster = outputs.fixed.get("clusterName", "")
    title = f"{cluster or 'Platform'}: {len(outputs.inventory)} machines"
    versions = [f"Kubernetes {outputs.versions.get('kubernetes', '')}", *_extras(outputs)]
    subtitle = " · ".join([*([f"preset {outputs.preset}"] if outputs.preset else []), *versions])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
            ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="bg" width="{WIDTH}" height="{height}"/>',
            text(MARGIN, 36, title, 20, "head"),
            text(MARGIN, 58, subtitle, 13, "faint"),
            *parts,
            "</svg>\n",
        ]
    )


def _extras(outputs: Outputs) -> list[str]:
    """What runs in the cluster, with the versions that are known."""
    versions = outputs.versions
    found = [f"etcd {versions['etcd']}"] if "etcd" in versions else []
    if outputs.database and "mariadb" in versions:
        found.append(f"MariaDB {versions['mariadb']}")
    return found


def _outside(outputs: Outputs, top: int) -> tuple[list[str], int]:
    """Users, the edge network with the public addresses, the gateways. Returns where the private network begins."""
    gateways = outputs.role("gateway")
    middle = WIDTH / 2
    width = 620
    balanced = outputs.fixed.get("api.loadBalancer") == "octavia"
    words = [f"API {outputs.api_endpoint}" + (" (load balancer of the cloud)" if balanced else "")]
    words += [f"ingress {outputs.entry_host}:80, 443"] if outputs.role("worker") else []
    parts = [
        line(middle, top + BAR, middle, top + BAR + 26),
        frame(middle - width / 2, top, width, BAR, "frame"),
        text(middle, top + 18, "outside", 12, "faint", "middle"),
        text(middle, top + 34, "  ·  ".join(words), 13, "head", "middle"),
    ]
    bar = top + BAR + 26
    edge = " ".join(filter(None, ["edge network", outputs.fixed.get("network.edge", "")]))
    parts += [frame(MARGIN, bar, WIDTH - 2 * MARGIN, BAR, "frame"), text(MARGIN + INSIDE, bar + 26, edge, 13, "head")]
    moving = outputs.entry_host not in {gateway.public_address for gateway in gateways}
    if moving and len(gateways) > 1:
        parts += chip(middle, bar + 8, f"public VIP {outputs.entry_host}")
    y = bar + BAR + 26
    width = 196
    step = min(width + 40, (WIDTH - 2 * MARGIN) / max(len(gateways), 1))
    begin = middle - step * (len(gateways) - 1) / 2
    for number, gateway in enumerate(gateways):
        x = begin + number * step
        parts += [line(x, bar + BAR, x, y), line(x, y + 62, x, y + 88)]
        lines = [
            f"{gateway.public_address} outside" if gateway.public_address else "",
            f"{gateway.address} inside",
        ]
        parts += card(x - width / 2, y, width, 62, "gateway", outputs.short(gateway), [*filter(None, lines)])
    return parts, y + 88


def _private(outputs: Outputs, top: int) -> tuple[list[str], int]:
    """The private network with everything in it. Returns where it ends."""
    name = " ".join(filter(None, ["private network", outputs.fixed.get("network.private", "")]))
    vip = outputs.fixed.get("network.privateVipAddress", "")
    parts = [text(MARGIN + INSIDE, top + 26, name, 13, "head")]
    if vip:
        parts += chip(WIDTH / 2, top + 8, f"private VIP {vip}: the machines' way out, and to the API")
    y = top + BAR + 8
    for row in rows(groups(outputs)):
        more, y = _row(outputs, row, y)
        parts += more
    more, y = _in_cluster(outputs, y)
    return [frame(MARGIN, top, WIDTH - 2 * MARGIN, y - top, "frame"), *parts, *more], y


def _row(outputs: Outputs, row: Sequence[Group], y: int) -> tuple[list[str], int]:
    """Frames that share the whole width by their numbers of columns. Returns where the next row begins."""
    room = WIDTH - 2 * MARGIN - 2 * INSIDE - GAP * (len(row) - 1)
    columns = sum(group.columns for group in row)
    height = max(group.height for group in row)
    x, parts = float(MARGIN + INSIDE), list[str]()
    for group in row:
        width = room * group.columns / columns
        count = len(group.machines)
        parts += [
            frame(x, y, width, height, "inner"),
            fitted(x + INSIDE, y + 22, group.title, width - 2 * INSIDE - 24, 13, "head"),
        ]
        if count > 1:
            parts.append(text(x + width - INSIDE, y + 22, str(count), 13, "faint", "end"))
        room_each = (width - 2 * INSIDE - GAP * (group.columns - 1)) / group.columns
        wide = min(room_each, CARD_WIDTH)
        for number, machine in enumerate(group.machines):
            left = x + INSIDE + (number % group.columns) * (wide + GAP)
            at = y + HEAD + (number // group.columns) * (CARD_HEIGHT + GAP)
            parts += card(left, at, wide, CARD_HEIGHT, group.role, outputs.short(machine), [machine.address])
        x += width + GAP
    return parts, y + height + GAP


def _in_cluster(outputs: Outputs, y: int) -> tuple[list[str], int]:
    """What runs on the nodes: network, volumes, database."""
    fixed, words = outputs.fixed, list[str]()
    cni = outputs.versions.get("cni", "")
    pods = " ".join(filter(None, [f"pods {fixed.get('network.pods', '')}".strip(), f"by {cni}" if cni else ""]))
    words += [pods, f"services {fixed.get('network.services', '')}".strip()]
    if outputs.database:
        copies = f", replicating to {', '.join(outputs.database.replicas)}" if outputs.database.replicas else ""
        words.append(f"MariaDB: {outputs.database.primary} (primary){copies}")
    height = 40
    x, width = MARGIN + INSIDE, WIDTH - 2 * MARGIN - 2 * INSIDE
    shown = "  ·  ".join(word for word in words if word)
    parts = [
        f'<rect class="card in-cluster" x="{x}" y="{y}" width="{width}" height="{height}" rx="8"/>',
        text(x + INSIDE, y + 25, "in the cluster", 13, "head"),
        fitted(x + width - INSIDE, y + 25, shown, width - 140, 13, "faint", "end"),
    ]
    return parts, y + height + INSIDE
