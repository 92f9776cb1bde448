"""`paas init STACK`: a few questions, then the stack and its commented file with the secrets encrypted."""

import argparse
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Final

import yaml

from ops.init import cloud_offers
from ops.init.answers import InitError, Unanswered, by_default, by_nobody, by_people, collect, say
from ops.init.questions import which_cloud
from ops.init.stack_file import CLOUD_KEY, NAMESPACE, Kept, make_keys, read, read_sources, render
from ops.shared import pulumi
from ops.shared.pulumi import PulumiError
from preflight.cloud import Cloud
from preflight.collect import collect as collect_offers
from preflight.credentials import CloudUnreachable, find, log_in
from settings.load import parse
from settings.platform import Platform
from settings.problem import SettingsError

#: Pulumi's rule for names of stacks, with an organization in front where there is one.
_STACK: Final = re.compile(r"([A-Za-z0-9_.-]+/){0,2}[A-Za-z0-9_.-]{1,100}")
#: The database's secrets. A password is 18 random bytes in base 64: 24 characters, 144 bits.
_SECRETS: Final = ("databaseRootPassword", "databaseReplicationPassword")
_SECRET_BYTES: Final = 18
#: Exit status of a program that somebody ended by Ctrl-C.
_INTERRUPTED: Final = 130
#: One command of Pulumi, which cannot read from the terminal.
_pulumi = partial(pulumi.run, text="")


def add(parser: argparse.ArgumentParser) -> None:
    """The command's options. Each question has a flag; what a flag says is not asked."""
    parser.add_argument("name", metavar="STACK", help="name of the stack; its file is Pulumi.STACK.yaml")
    answers = parser.add_argument_group("answers (what is not given is asked, where somebody can be asked)")
    answers.add_argument("--preset", help="education, dev or production")
    answers.add_argument("--external", metavar="NETWORK", help="the network that floating IPs come from")
    answers.add_argument("--image", help="image of all machines")
    for role in ("gateway", "etcd", "control-plane", "worker"):
        answers.add_argument(f"--{role}-flavor", metavar="FLAVOR", help=f"flavor of {role} machines")
    answers.add_argument("--workers", metavar="COUNT", help="number of workers")
    answers.add_argument("--ssh-from", metavar="RANGES", help="from where SSH may come in; `anywhere` is everywhere")
    answers.add_argument("--kubernetes", metavar="VERSION", help="version of Kubernetes")
    answers.add_argument("--zones", metavar="ZONES", help="availability zones, with commas between them")
    further = parser.add_argument_group("never asked")
    further.add_argument("--cluster-name", metavar="NAME", default="", help="prefix of all names, when not the stack's")
    further.add_argument("--ssh-user", metavar="USER", default="", help="the image's login, when not its system's name")
    further.add_argument("--mirror-from", type=Path, metavar="FILE", help="take mirrors and proxy from this YAML file")
    further.add_argument("--cloud", default="", help="entry of clouds.yaml, written into the file (default: OS_CLOUD)")
    parser.add_argument("--defaults", action="store_true", help="ask nothing: take the default of every answer")
    parser.add_argument("--offline", action="store_true", help="do not ask the cloud what it has")
    parser.add_argument("--no-stack", action="store_true", help="only write the file: make no stack and no secrets")
    parser.add_argument("--force", action="store_true", help="write over an existing file; its secrets are kept")
    parser.set_defaults(func=run)


def run(arguments: argparse.Namespace) -> int:
    """0: written; 1: written, but Pulumi made no stack or secrets; 130: interrupted. Raises InitError."""
    try:
        return _init(arguments)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: nothing was written\n")
        return _INTERRUPTED


def _init(arguments: argparse.Namespace) -> int:
    """Writes the file of a new stack. Whatever can be refused is refused before the first question."""
    stack: str = arguments.name
    short = stack.rpartition("/")[2]
    file = Path(f"Pulumi.{short}.yaml")
    _refuse_wrong_names(stack, short, arguments.cluster_name)
    kept = _read_existing(file, arguments.force)
    has_engine = not arguments.no_stack and _has_engine(kept)
    sources = read_sources(arguments.mirror_from) if arguments.mirror_from else {}
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    ask = by_default if arguments.defaults else by_people if is_terminal else by_nobody
    cloud_name = arguments.cloud or str(kept.config.get(CLOUD_KEY, ""))
    if not cloud_name and not arguments.offline and (choices := cloud_offers.clouds_to_choose()):
        try:
            cloud_name = ask(which_cloud(choices))
        except Unanswered:
            raise InitError(f"--cloud: is not given; give one of {', '.join(choices)}, or set OS_CLOUD") from None
    if cloud_name:
        kept = Kept(kept.keyring, {**kept.config, CLOUD_KEY: cloud_name})
    cloud = Cloud() if arguments.offline else _ask_cloud(cloud_name)
    answers = collect(cloud, short, vars(arguments), ask)
    keys = make_keys(answers, arguments.cluster_name, arguments.ssh_user, sources)
    try:
        platform = parse(keys, short)
    except SettingsError as error:
        raise InitError(f"nothing was written: {error}") from None
    if lost := [key for key in keys if f"{NAMESPACE}:{key}" in kept.config]:
        # A section cannot both be rewritten and keep the secrets inside it.
        raise InitError(f"{file} has secrets in {', '.join(lost)}: edit it, or move it away")
    is_made = False
    if has_engine:
        try:
            kept, is_made = _make_stack(stack, file, kept), True
        except PulumiError as error:
            sys.stderr.write(f"Pulumi did not make the stack and its secrets: {error}\n")
    text = render(short, keys, platform, kept)
    if read(text) != (keys, kept):
        raise InitError(f"{file} would not say what was answered: nothing was written")
    _write(file, text)
    _say_next(stack, platform, is_made)
    return 1 if has_engine and not is_made else 0


def _refuse_wrong_names(stack: str, short: str, cluster: str) -> None:
    if not _STACK.fullmatch(stack):
        raise InitError(f"{stack} is not a valid stack name: letters, digits, dots, dashes and underscores")
    if not Path("Pulumi.yaml").is_file():
        raise InitError(f"{Path.cwd()} has no Pulumi.yaml: run this in the folder of the program")
    try:
        parse({"clusterName": cluster} if cluster else {}, short)
    except SettingsError as error:
        if wrong := [problem for problem in error.problems if problem.key == "clusterName"]:
            raise InitError(f"{wrong[0]} (--cluster-name)") from None


def _read_existing(file: Path, force: bool) -> Kept:
    """What must be kept of the stack's file. A file with only Pulumi's own keys may always be replaced."""
    if not file.exists():
        return Kept()
    try:
        plain, kept = read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InitError(f"{file} cannot be read ({error}): correct it, or move it away") from None
    if (plain or kept.config) and not force:
        raise InitError(f"{file} exists already: edit it, or overwrite it with --force (keeps its secrets)")
    return kept


def _has_engine(kept: Kept) -> bool:
    """Whether Pulumi is installed and logged in. Raises InitError when it lacks the passphrase that it will need."""
    try:
        if not shutil.which("pulumi"):
            raise PulumiError("pulumi is not on PATH")
        backend = str(json.loads(_pulumi("whoami", "--json"))["url"])
    except PulumiError as error:
        reason = str(error).splitlines()[0]
        say(f"Pulumi is not here or not logged in, so only the file will be written ({reason}).", "yellow")
        return False
    # Pulumi's own service and key services need none.
    by_service = backend.startswith("http") and "encryptionsalt" not in kept.keyring
    by_key_service = kept.keyring.get("secretsprovider", "passphrase") != "passphrase"
    given = any(name in os.environ for name in ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"))
    if not (given or by_service or by_key_service):
        raise InitError(
            f"the state is in {backend}, where a passphrase encrypts secrets: set PULUMI_CONFIG_PASSPHRASE_FILE"
            " (a file with it) or PULUMI_CONFIG_PASSPHRASE, or write only the file by --no-stack"
        )
    return True


def _ask_cloud(name: str) -> Cloud:
    """What the cloud offers; `name` is its entry in clouds.yaml, or empty for what the environment says."""
    try:
        return collect_offers(log_in(find({"cloud": name} if name else None)))
    except CloudUnreachable as error:
        raise InitError(f"the cloud cannot be asked what it has: {error}; or answer by flags with --offline") from None


def _make_stack(stack: str, file: Path, kept: Kept) -> Kept:
    """Creates and selects the stack, and encrypts the passwords that its file lacks. Raises PulumiError."""
    short = stack.rpartition("/")[2]
    known = json.loads(_pulumi("stack", "ls", "--json"))
    runs = any(int(entry.get("resourceCount") or 0) for entry in known if entry["name"] in (stack, short))
    _pulumi("stack", "select", "--create", stack)
    # Pulumi may have written a salt for a new stack.
    written = read(file.read_text(encoding="utf-8"))[1].keyring if file.exists() else {}
    kept = Kept({**written, **kept.keyring}, kept.config)
    missing = [key for key in _SECRETS if f"{NAMESPACE}:{key}" not in kept.config]
    if missing and runs:
        say(f"{stack} exists already: the database keeps the passwords that it has.")
    elif missing:
        made = _encrypt(stack, kept.keyring, {key: secrets.token_urlsafe(_SECRET_BYTES) for key in missing})
        return Kept({**kept.keyring, **made.keyring}, {**kept.config, **made.config})
    return kept


def _encrypt(stack: str, keyring: Mapping[str, str], plain: Mapping[str, str]) -> Kept:
    """`plain` encrypted for the stack with its `keyring`, and the keyring, which a first secret may complete.

    The values go over standard input into a file that only ever holds what is encrypted.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"Pulumi.{stack.rpartition('/')[2]}.yaml"
        file.write_text(yaml.safe_dump(dict(keyring)) if keyring else "", encoding="utf-8")
        place = ("--stack", stack, "--config-file", str(file))
        for key, value in plain.items():
            pulumi.run("config", "set", "--secret", f"{NAMESPACE}:{key}", *place, text=value)
        return read(file.read_text(encoding="utf-8"))[1]


def _write(file: Path, text: str) -> None:
    """The whole file or none of it: readers, and somebody who interrupts, never see half of it."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _say_next(stack: str, platform: Platform, is_made: bool) -> None:
    """What was written, what is unwise in it, and the commands to run."""
    short = stack.rpartition("/")[2]
    machines = len(platform.plan.machines)
    say(f"\nWritten: Pulumi.{short}.yaml ({platform.settings.preset}, {machines} machines)", "bold")
    for warning in platform.warnings:
        say(f"  note: {warning}", "yellow")
    say("Next:")
    if not is_made:
        say(f"  pulumi stack init {stack}    # after `pulumi login`")
    for command, purpose in (
        (f"paas doctor --stack {short}", "does the cloud have all of that?"),
        (f"pulumi preview --stack {short}", "what would be made"),
        (f"pulumi up --stack {short}", "make it"),
    ):
        say(f"  {command:<40} # {purpose}")
