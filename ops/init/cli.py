"""`paas init STACK`: a few questions, then the stack and its commented file with the secrets encrypted."""

import argparse
import sys
from pathlib import Path
from typing import Final

from ops.shared.options import Commands

#: Exit status of a program that somebody ended by Ctrl-C.
_INTERRUPTED: Final = 130


def add(commands: Commands) -> None:
    """The subcommand and its options. Each question has a flag; what a flag says is not asked."""
    init = commands.add_parser("init", help="write the file of a new stack: a few questions, or flags")
    init.add_argument("name", metavar="STACK", help="name of the stack; its file is Pulumi.STACK.yaml")
    answers = init.add_argument_group("answers (what is not given is asked, where somebody can be asked)")
    answers.add_argument("--preset", help="education, dev or production")
    answers.add_argument("--external", metavar="NETWORK", help="the network that floating IPs come from")
    answers.add_argument("--image", help="image of all machines")
    for role in ("gateway", "etcd", "control-plane", "worker"):
        answers.add_argument(f"--{role}-flavor", metavar="FLAVOR", help=f"flavor of {role} machines")
    answers.add_argument("--workers", metavar="COUNT", help="number of workers")
    answers.add_argument("--ssh-from", metavar="RANGES", help="from where SSH may come in; `anywhere` is everywhere")
    answers.add_argument("--kubernetes", metavar="VERSION", help="version of Kubernetes")
    answers.add_argument("--zones", metavar="ZONES", help="availability zones, with commas between them")
    further = init.add_argument_group("never asked")
    further.add_argument("--cluster-name", metavar="NAME", default="", help="prefix of all names, when not the stack's")
    further.add_argument("--ssh-user", metavar="USER", default="", help="the image's login, when not its system's name")
    further.add_argument("--mirror-from", type=Path, metavar="FILE", help="take mirrors and proxy from this YAML file")
    further.add_argument("--cloud", default="", help="entry of clouds.yaml, written into the file (default: OS_CLOUD)")
    init.add_argument("--defaults", action="store_true", help="ask nothing: take the default of every answer")
    init.add_argument("--offline", action="store_true", help="do not ask the cloud what it has")
    init.add_argument("--no-stack", action="store_true", help="only write the file: make no stack and no secrets")
    init.add_argument("--force", action="store_true", help="write over an existing file; its secrets are kept")
    init.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0: written; 1: written, but Pulumi made no stack or secrets; 130: interrupted. Raises InitError."""
    # Here and not above: the other subcommands need nothing of it, and start faster.
    from ops.init.run import init

    try:
        return init(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: nothing was written\n")
        return _INTERRUPTED
