"""The lab's commands."""

import argparse
import os
import sys
from typing import NoReturn

from dev.errors import DevError
from dev.lab import bring_up, places, status, teardown
from dev.lab.progress import Progress


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python3 -m dev.lab", description="A real OpenStack on this one host, for trying things out."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("up", help="start or repair the lab; after an interruption, run it again to continue")
    commands.add_parser("mirror", help="start only the mirror's services")
    down = commands.add_parser(
        "down", help="stop and remove everything but the data: the next `up` is like power coming back"
    )
    down.add_argument("--wipe", action="store_true", help="delete the data too")
    commands.add_parser("reset", help="start with an empty cloud: down --wipe, then up")
    restart = commands.add_parser("restart", help="restart OpenStack's services, or one service; machines keep running")
    restart.add_argument("service", nargs="?", help="a name from `status`")
    commands.add_parser("status", help="services, hosts, machines, memory; exit code 0: all is well, 3: down")
    show = commands.add_parser("logs", help="the last lines of the logs")
    show.add_argument("service", nargs="?", help="only this service's log; a name from `status`")
    show.add_argument("-f", "--follow", action="store_true", help="keep showing new lines")
    show.add_argument("-n", "--lines", type=int, default=40, help="how many lines of one service's log")
    openrc = commands.add_parser(
        "openrc", help='shell variables for OpenStack\'s own tools: eval "$(python3 -m dev.lab openrc)"'
    )
    openrc.add_argument("--admin", action="store_true", help="as the cloud's administrator")
    return made


def main() -> int:
    """Run one command. The lab's own errors are shown without a traceback."""
    options = parser().parse_args()
    try:
        return _run(options)
    except DevError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "status":
            return status.show()
        case "logs":
            show_logs(options.service, options.follow, options.lines)
        case "openrc":
            print(f"export OS_CLIENT_CONFIG_FILE={places.CLOUDS} OS_CLOUD={'lab-admin' if options.admin else 'lab'}")
        case _:
            _change(options)
    return 0


def _change(options: argparse.Namespace) -> None:
    """Run a command that changes the lab."""
    if os.geteuid() != 0 and options.command != "up":
        raise DevError("this command must run as root")
    progress = Progress(places.LOGS / "lab.log")
    if os.geteuid() != 0:
        bring_up.up(progress)  # names every problem of this host, not being root among them
    with bring_up.lock(options.command):
        if options.command in ("down", "reset"):
            teardown.down(progress, wipe=options.command == "reset" or options.wipe)
        if options.command in ("up", "reset"):
            bring_up.up(progress)
        if options.command == "restart":
            bring_up.restart(progress, options.service)
        if options.command == "mirror":
            bring_up.mirror(progress)


def show_logs(service: str | None, follow: bool, lines: int) -> NoReturn:
    """Print the last lines of one service's log or of all logs; with `follow`, continue until interrupted."""
    every = sorted(places.LOGS.glob("*.log"))
    files = [file for file in every if service in (None, file.stem)]
    if not files:
        known = f"; there are: {', '.join(file.stem for file in every)}" if every else ""
        raise DevError(f"no log of {service or 'any service'} in {places.LOGS}{known}")
    sys.stdout.flush()
    count = str(lines if service else 5)
    os.execvp("tail", ["tail", "-n", count, *(["-F"] if follow else []), *map(str, files)])
