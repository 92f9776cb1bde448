"""One run of `paas init`: what is there, the answers, the stack, its secrets, its file."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml

from ops.init import cloud_offers
from ops.init.answers import (
    Further,
    InitError,
    Unanswered,
    by_default,
    by_nobody,
    collect,
    read_sources,
    refuse_wrong_flags,
    values,
)
from ops.init.dialog import Dialog, is_terminal
from ops.init.engine import Engine, needs_passphrase
from ops.init.questions import Question, which_cloud
from ops.init.stack_file import NAMESPACE, Kept, read, render
from ops.shared.pulumi import PulumiError
from preflight.cloud import Cloud
from preflight.credentials import CloudUnreachable
from settings.load import parse
from settings.platform import Platform
from settings.problem import SettingsError

#: Pulumi's rule for names of stacks, with an organization in front where there is one.
_STACK: Final = re.compile(r"([A-Za-z0-9_.-]+/){0,2}[A-Za-z0-9_.-]{1,100}")
#: The database's secrets. A password is 18 random bytes in base 64: 24 characters, 144 bits.
_SECRETS: Final = ("databaseRootPassword", "databaseReplicationPassword")
_SECRET_BYTES: Final = 18


def write(file: Path, text: str) -> None:
    """The whole file or none of it: readers, and somebody who interrupts, never see a half."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


class Run:
    """One run for one stack of the program in `folder`."""

    def __init__(self, arguments: argparse.Namespace, folder: Path, dialog: Dialog) -> None:
        self._arguments, self._dialog, self._engine = arguments, dialog, Engine(folder)
        self._stack: str = arguments.name
        self._short = self._stack.rpartition("/")[2]
        self._folder, self._file = folder, folder / f"Pulumi.{self._short}.yaml"
        self._failed = False

    def run(self) -> int:
        """The steps in their order: whatever can be refused is refused before the first question."""
        self._refuse_wrong_place()
        kept = self._existing()
        engine = self._engine_at_hand(kept)
        further = self._further(kept)
        cloud = self._cloud(further)
        keys, platform = self._answers(cloud, further)
        self._refuse_lost_secrets(keys, kept)
        if engine:
            kept = self._stack_and_secrets(kept)
        self._write(keys, platform, kept, further)
        self._next(platform, engine)
        return 1 if self._failed else 0

    def _refuse_wrong_place(self) -> None:
        if not _STACK.fullmatch(self._stack):
            raise InitError(f"{self._stack} is not a valid stack name: letters, digits, dots, dashes and underscores")
        if not (self._folder / "Pulumi.yaml").is_file():
            raise InitError(f"{self._folder} has no Pulumi.yaml: run this in the folder of the program")
        name = self._arguments.cluster_name
        try:
            parse({"clusterName": name} if name else {}, self._short)
        except SettingsError as error:
            if wrong := [problem for problem in error.problems if problem.key == "clusterName"]:
                raise InitError(f"{wrong[0]} (--cluster-name)") from None

    def _existing(self) -> Kept:
        """What must be kept of the stack's file. A file with nothing but Pulumi's own keys is as good as none."""
        if not self._file.exists():
            return Kept()
        try:
            plain, kept = read(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise InitError(f"{self._file.name} cannot be read ({error}): correct it, or move it away") from None
        if (plain or kept.config) and not self._arguments.force:
            raise InitError(
                f"{self._file.name} exists already: edit it, or overwrite it with --force (keeps its secrets)"
            )
        return kept

    def _engine_at_hand(self, kept: Kept) -> bool:
        """Whether there is a Pulumi that is logged in; what it will need is demanded now, not after the questions."""
        if self._arguments.no_stack:
            return False
        try:
            backend = self._engine.backend()
        except PulumiError as error:
            reason = str(error).splitlines()[0]
            self._dialog.say(
                f"Pulumi is not here or not logged in, so only the file will be written ({reason}).", "yellow"
            )
            return False
        if needs_passphrase(backend, kept.keyring):
            raise InitError(
                f"the state is in {backend}, where a passphrase encrypts secrets: set PULUMI_CONFIG_PASSPHRASE_FILE"
                " (a file with it) or PULUMI_CONFIG_PASSPHRASE, or write only the file by --no-stack"
            )
        return True

    def _further(self, kept: Kept) -> Further:
        """What only flags say; the cloud may be asked, or be the one of the file before."""
        arguments = self._arguments
        sources = read_sources(arguments.mirror_from) if arguments.mirror_from else None
        cloud = arguments.cloud or str(kept.config.get("openstack:cloud", ""))
        choices = [] if cloud or arguments.offline else cloud_offers.clouds_to_choose()
        if choices:
            try:
                cloud = self._ask()(which_cloud(choices))
            except Unanswered:
                raise InitError(f"--cloud: is not given; give one of {', '.join(choices)}, or set OS_CLOUD") from None
        return Further(arguments.cluster_name, arguments.ssh_user, cloud, sources)

    def _ask(self) -> Callable[[Question], Any]:
        """Who answers: the defaults, people, or nobody."""
        if self._arguments.defaults:
            return by_default
        return self._dialog.ask if is_terminal() else by_nobody

    def _cloud(self, further: Further) -> Cloud:
        """What the cloud offers; nothing when it is not to be asked."""
        if self._arguments.offline:
            return Cloud()
        try:
            return cloud_offers.ask(further.cloud)
        except CloudUnreachable as error:
            raise InitError(
                f"the cloud cannot be asked what it has: {error}; or answer by flags with --offline"
            ) from None

    def _answers(self, cloud: Cloud, further: Further) -> tuple[dict[str, Any], Platform]:
        """The keys of the file, and the platform that they make. Raises InitError with every problem of them."""
        given = vars(self._arguments)
        ask = self._ask()
        if ask == self._dialog.ask:
            refuse_wrong_flags(cloud, self._short, given)
        found = values(collect(cloud, self._short, given, ask), further)
        try:
            return found, parse(found, self._short)
        except SettingsError as error:
            raise InitError(f"nothing was written: {error}") from None

    def _refuse_lost_secrets(self, keys: dict[str, Any], kept: Kept) -> None:
        """A section that was answered and has secrets inside cannot be both kept and rewritten."""
        lost = [name for name in keys if f"{NAMESPACE}:{name}" in kept.config]
        if lost:
            raise InitError(f"{self._file.name} has secrets in {', '.join(lost)}: edit it, or move it away")

    def _stack_and_secrets(self, kept: Kept) -> Kept:
        """The stack made and selected, and its missing passwords encrypted; what fails is said, the file is written."""
        try:
            resources = self._engine.resources(self._stack)
            self._engine.select(self._stack)
            keyring = {**self._existing_keyring(), **kept.keyring}
            missing = [key for key in _SECRETS if f"{NAMESPACE}:{key}" not in kept.config]
            if not missing:
                return Kept(keyring, kept.config)
            if resources:
                self._dialog.say(f"{self._stack} stands already: the database keeps the passwords that it has.")
                return Kept(keyring, kept.config)
            made = self._engine.encrypt(
                self._stack, keyring, {key: secrets.token_urlsafe(_SECRET_BYTES) for key in missing}
            )
            return Kept({**keyring, **made.keyring}, {**kept.config, **made.config})
        except PulumiError as error:
            self._failed = True
            sys.stderr.write(f"Pulumi did not make the stack and its secrets: {error}\n")
            return kept

    def _existing_keyring(self) -> dict[str, str]:
        """What Pulumi has just written for a new stack."""
        return dict(read(self._file.read_text(encoding="utf-8"))[1].keyring) if self._file.exists() else {}

    def _write(self, keys: dict[str, Any], platform: Platform, kept: Kept, further: Further) -> None:
        """The file, after reading it back: it says what was answered and nothing else."""
        others = {key: value for key, value in kept.config.items() if key != "openstack:cloud"}
        text = render(self._short, keys, platform, Kept(kept.keyring, others), further.cloud)
        plain, back = read(text)
        cloud = {"openstack:cloud": further.cloud} if further.cloud else {}
        if plain != keys or back != Kept(kept.keyring, {**cloud, **others}):
            raise InitError(f"{self._file.name} would not say what was answered: nothing was written")
        write(self._file, text)

    def _next(self, platform: Platform, engine: bool) -> None:
        """What was written, what is unwise in it, and the commands to run."""
        say, short = self._dialog.say, self._short
        say(
            f"\nWritten: {self._file.name} ({platform.settings.preset}, {len(platform.addresses.machines)} machines)",
            "bold",
        )
        for warning in platform.warnings:
            say(f"  note: {warning}", "yellow")
        say("Next:")
        if not engine or self._failed:
            say(f"  pulumi stack init {self._stack}    # after `pulumi login`")
        for command, purpose in (
            (f"paas doctor --stack {short}", "does the cloud have all of that?"),
            (f"pulumi preview --stack {short}", "what would be made"),
            (f"pulumi up --stack {short}", "make it"),
        ):
            say(f"  {command:<40} # {purpose}")
