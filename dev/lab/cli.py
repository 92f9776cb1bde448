"""The lab's commands."""

from __future__ import annotations

import argparse
import os
import sys

from dev.lab import bring_up, logs, places, status, teardown
from dev.lab.errors import LabError
from dev.lab.progress import Progress


def parser() -> argparse.ArgumentParser:
    """What can be asked of the lab."""
    made = argparse.ArgumentParser(
        prog="python3 -m dev.lab", description="A real OpenStack on this host alone, for trying things out."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="bring the lab up, or repair it; interrupted or repeated, it goes on from there")
    commands.add_parser("mirror", help="bring up only the mirror's services")
    down = commands.add_parser(
        "down", help="end and remove everything but the data: the next `up` is like power coming back"
    )
    down.add_argument("--wipe", action="store_true", help="delete the data too")
    commands.add_parser("reset", help="begin with an empty cloud: down --wipe, then up")
    again = commands.add_parser(
        "restart", help="start OpenStack's services, or one service, again while machines run on"
    )
    again.add_argument("service", nargs="?", help="as `status` calls it")
    commands.add_parser("status", help="services, hosts, machines, memory; exits with 0 when all is well, 3 when down")
    show = commands.add_parser("logs", help="the end of the logs")
    show.add_argument("service", nargs="?", help="only this service's, as `status` calls it")
    show.add_argument("-f", "--follow", action="store_true", help="go on showing what is added")
    show.add_argument("-n", "--lines", type=int, default=40, help="how many lines of one service's log")
    openrc = commands.add_parser(
        "openrc", help='shell variables for OpenStack\'s own tools: eval "$(python3 -m dev.lab openrc)"'
    )
    openrc.add_argument("--admin", action="store_true", help="as the cloud's administrator")
    return made


def main() -> int:
    """Run one command; errors of the lab are shown as they are, without a traceback."""
    asked = parser().parse_args()
    try:
        return _run(asked)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here", file=sys.stderr)
        return 130


def _run(asked: argparse.Namespace) -> int:
    if asked.command == "status":
        return status.show()
    if asked.command == "logs":
        return logs.show(asked.service, asked.follow, asked.lines)
    if asked.command == "openrc":
        print(f"export OS_CLIENT_CONFIG_FILE={places.CLOUDS} OS_CLOUD={'lab-admin' if asked.admin else 'lab'}")
        return 0
    if os.geteuid() != 0 and asked.command != "up":
        raise LabError("it must be run as root")
    progress = Progress(places.LOGS / "lab.log")
    if os.geteuid() != 0:
        bring_up.up(progress)  # says everything that is missing, this among it
    with bring_up.alone(asked.command):
        if asked.command in ("down", "reset"):
            teardown.down(progress, wipe=asked.command == "reset" or asked.wipe)
        if asked.command in ("up", "reset"):
            bring_up.up(progress)
        if asked.command == "restart":
            bring_up.restart(progress, asked.service)
        if asked.command == "mirror":
            bring_up.mirror(progress)
    return 0
