"""Who logs in: the keys of the settings, and how sshd answers."""

import grp
import os
import pwd
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from agent.machine import Failed, Machine
from agent.system import files, services

SSHD_CONFIG: Final = "/etc/ssh/sshd_config.d/50-openstack-paas.conf"


@dataclass(frozen=True)
class Login:
    """The user that Pulumi logs in as, and the lines of its keys in authorized_keys. No user: nothing is done."""

    user: str = ""
    keys: tuple[str, ...] = ()


def accept_keys(machine: Machine, login: Login) -> None:
    """The wanted keys log in, and none that came from earlier settings. Keys that people have added stay.

    Raises Failed when there is no such user.
    """
    if not login.user:
        return
    try:
        entry = pwd.getpwnam(login.user)
        owner = f"{login.user}:{grp.getgrgid(entry.pw_gid).gr_name}"
    except KeyError:
        raise Failed(f"there is no user {login.user} to log in as") from None
    target = f"{entry.pw_dir}/.ssh/authorized_keys"
    known = machine.state / "login-keys"
    before = _lines(known)
    present = _lines(machine.path(target))
    own = _keys((*login.keys, *before))
    others = [line for line in present if not own & _keys([line])]
    # What is written down is what a later run may remove. Before the file, so that a run that ends here leaves no key
    # behind that nobody ever removes.
    _note(known, (*before, *(key for key in login.keys if key not in before)), before)
    folder = machine.path(target).parent
    files.make_folder(folder)
    folder.chmod(0o700)
    os.chown(folder, *files.ids(owner))
    files.install(machine, _text((*login.keys, *others)), target, 0o600, owner)
    _note(known, login.keys, _lines(known))


def _note(known: Path, wanted: tuple[str, ...], present: list[str]) -> None:
    if list(wanted) != present:
        files.write(known, _text(wanted), 0o600)


def _lines(path: Path) -> list[str]:
    """The lines of a file, with whatever bytes; the last one too where no line end follows it."""
    if not path.exists():
        return []
    return [line for line in path.read_text("utf-8", "surrogateescape").split("\n") if line]


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _keys(lines: Iterable[str]) -> set[tuple[str, str]]:
    """Each kind with its key. Options may come before them and a comment after, so all neighbours are taken."""
    return {pair for line in lines for pair in pairwise(line.split())}


def harden_ssh(machine: Machine, sshd_config: str) -> None:
    """No passwords, and a client that is gone is soon noticed. Raises Failed when sshd refuses the file."""
    files.install(machine, sshd_config, SSHD_CONFIG, check=lambda path: machine.run("sshd", "-t", "-f", path))
    folder = machine.path(SSHD_CONFIG).parent
    ours = sorted(path.name for path in folder.glob("*openstack-paas*.conf"))
    services.apply(machine, "ssh.service", "reload", [f"/etc/ssh/sshd_config.d/{name}" for name in ours])
