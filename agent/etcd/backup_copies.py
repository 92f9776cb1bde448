"""Snapshots in the places off the machine, by rclone, whose configuration holds the secrets.

With recipients what leaves the machine is encrypted by age.
"""

import calendar
import contextlib
import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.etcd.backup_record import Store
from agent.etcd.backup_settings import RCLONE_CONFIG, S3_CA, BackupSettings, CopyPlace
from agent.etcd.retention import Snapshot, staying
from agent.machine import Machine
from agent.programs import Ended, last_lines

#: For one file, by rclone or age.
_SECONDS: Final = 900.0
#: https://rclone.org/docs/#exit-code: directory not found.
_NO_FOLDER: Final = 3
_NAME: Final = re.compile(
    r"((?P<member>[^/]+)/)?(?P<name>(?P<stamp>\d{8}T\d{6}Z)-r(?P<revision>\d+)-(?P<reason>[a-z]+))\.db(?P<age>\.age)?"
)


class CopyError(Exception):
    """A place did not do what it was asked; the text is what rclone or age said last."""


@dataclass(frozen=True, kw_only=True)
class Copy(Snapshot):
    """A snapshot in a place, as its name describes it: only verified ones are copied. `path` is below the folder that
    was listed; `member` is None where that is one member's."""

    member: str | None
    path: str
    encrypted: bool


def described(paths: Iterable[str]) -> list[Copy]:
    """Those paths that are snapshots."""
    found = []
    for path in paths:
        # A time that there cannot be is of a file of somebody else's.
        with contextlib.suppress(ValueError):
            if match := _NAME.fullmatch(path):
                copy = Copy(
                    name=match["name"],
                    time=calendar.timegm(time.strptime(match["stamp"], "%Y%m%dT%H%M%SZ")),
                    reason=match["reason"],
                    revision=int(match["revision"]),
                    member=match["member"],
                    path=path,
                    encrypted=bool(match["age"]),
                )
                found.append(copy)
    return found


def listing(machine: Machine, settings: BackupSettings, here: bool = False) -> dict[str, Any]:
    """What snapshots there are, for `ops`, the newest last; with `here` only those on this machine."""
    store = Store(machine)
    places: dict[str, Any] = {}
    for place in () if here else settings.places:
        try:
            places[place.name] = {"snapshots": [vars(one) for one in Copies(machine, settings).there(place)]}
        except CopyError as error:
            places[place.name] = {"problem": str(error)}
    return {
        "member": settings.name,
        "now": int(machine.clock.now().timestamp()),
        "interval": 60 * settings.interval_minutes,
        "status": store.status,
        "snapshots": [one.document for one in store.descriptions()],
        "places": places,
    }


class Copies:
    """The places off this machine."""

    def __init__(self, machine: Machine, settings: BackupSettings) -> None:
        self._machine, self._settings = machine, settings

    def there(self, place: CopyPlace, member: str = "") -> list[Copy]:
        """The snapshots in a place, or of one member there; none without its folder. Raises CopyError."""
        remote = _below(place, member)
        ended = self._rclone("lsjson", "--files-only", "--recursive", "--no-modtime", "--no-mimetype", remote)
        if ended.status == _NO_FOLDER:
            return []
        try:
            return described([entry["Path"] for entry in json.loads(_checked(ended).output)])
        except ValueError as error:
            raise CopyError(f"rclone's list of {remote} is not JSON") from error

    def fetch(self, place: CopyPlace, path: str, target: Path) -> None:
        """Brings one file here. Raises CopyError."""
        _checked(self._rclone("copyto", _below(place, path), str(target)))

    def bring_in_line(self, place: CopyPlace, store: Store, scratch: Path) -> None:
        """Copies what is verified here and missing there, also from before, then removes there what no tier keeps.

        Snapshots of this machine before it was lost count as well. Raises CopyError.
        """
        member = self._settings.name
        here = [one for one in store.descriptions() if one.verified]
        there = self.there(place, member)
        names_here, names_there = {one.name for one in here}, {one.name for one in there}
        stay = staying(self._settings.keep, [*here, *(one for one in there if one.name not in names_here)])
        for one in here:
            if one.name in stay and one.name not in names_there:
                self._copy(store.file(one.name), place, scratch)
                self._machine.log(f"copied {one.name} to {place.name}")
        for old in there:
            if old.name not in stay:
                _checked(self._rclone("deletefile", _below(place, f"{member}/{old.path}")))
                self._machine.log(f"removed {old.path} from {place.name}: no tier keeps it")

    def _copy(self, file: Path, place: CopyPlace, scratch: Path) -> None:
        """Whole or not at all: rclone and S3 show a file only when it has arrived."""
        target = _below(place, f"{self._settings.name}/{file.name}")
        if not self._settings.recipients:
            _checked(self._rclone("copyto", str(file), target))
            return
        encrypted = scratch / "copy.age"
        options = [word for recipient in self._settings.recipients for word in ("--recipient", recipient)]
        try:
            _checked(self._machine.run("age", *options, "--output", encrypted, file, seconds=_SECONDS))
            _checked(self._rclone("copyto", str(encrypted), f"{target}.age"))
        finally:
            encrypted.unlink(missing_ok=True)

    def _rclone(self, *words: str) -> Ended:
        options = ("--contimeout", "10s", "--timeout", "60s", "--retries", "2", "--low-level-retries", "3", "--quiet")
        trusted = ("--ca-cert", self._machine.path(S3_CA)) if self._settings.files.s3_ca else ()
        every = (self._machine.path(RCLONE_CONFIG), *options, *trusted, *words)
        return self._machine.run("rclone", "--config", *every, seconds=_SECONDS)


def _below(place: CopyPlace, path: str) -> str:
    return f"{place.name}:{place.path}" + (f"/{path}" if path else "")


def _checked(ended: Ended) -> Ended:
    if not ended:
        raise CopyError(last_lines(ended.errors or ended.output, 2) or f"no answer (exit status {ended.status})")
    return ended
