"""What one step brings to one machine: a set of files, one of which is `converge`.

The files travel on the standard input of a remote command, as one archive whose bytes depend on nothing but the files.
The command's text, which previews show and logs repeat, holds no secret: it names each file with a digest of its
content, and secret files by their name only.
"""

import base64
import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from machines.common.templates import read_script, render_template

#: The executable that every bundle holds; it brings the machine to the state that the other files describe.
CONVERGE = "converge"

#: Parts of every role's `converge`.
_COMMON_PARTS = (
    "common/lib.sh",
    "common/services.sh",
    "common/machine.sh",
    "common/packages.sh",
    "common/maintenance.sh",
)

#: Settings of the scripts by name: a word, or the words of an array.
ScriptSettings = dict[str, str | Sequence[str]]

#: Seconds after which a step prints something, whatever it does (see WAY_SECONDS in machines/gateway/bundle.py).
WORD_SECONDS = 60


@dataclass(frozen=True)
class File:
    """One file of a bundle. `path` is relative to the bundle's folder on the machine, `mode` its permissions.

    Raises ValueError when the path leaves the folder or does not fit on one comment line.
    """

    path: str
    content: str
    mode: int = 0o644
    secret: bool = False

    def __post_init__(self) -> None:
        """Refuse paths that would unpack elsewhere."""
        parts = PurePosixPath(self.path).parts
        if not parts or self.path.startswith("/") or ".." in parts or not self.path.isprintable():
            raise ValueError(f"a bundle's file needs a relative path without '..', got {self.path!r}")

    @property
    def digest(self) -> str:
        """The first 8 hexadecimal digits of the SHA-256 of content and mode: enough to show that a file changed."""
        return hashlib.sha256(f"{self.mode:o}\n{self.content}".encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Bundle:
    """The files of a step. `limit_seconds` bounds a whole run of `converge` on the machine.

    Raises ValueError when two files share a path or `converge` is missing.
    """

    step: str
    files: tuple[File, ...]
    limit_seconds: int = 900

    def __post_init__(self) -> None:
        """Check that the bundle can run."""
        paths = [file.path for file in self.files]
        if CONVERGE not in paths:
            raise ValueError(f"the bundle {self.step!r} has no file {CONVERGE!r}")
        doubles = sorted({path for path in paths if paths.count(path) > 1})
        if doubles:
            raise ValueError(f"the bundle {self.step!r} has more than one file named {', '.join(doubles)}")

    def archive(self) -> str:
        """All files as base64 of a tar.gz that is the same, byte for byte, whenever the files are the same."""
        plain = io.BytesIO()
        with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            # Like beside like, which compresses by 3 % more: large files are scripts.
            for file in sorted(self.files, key=lambda file: (-len(file.content), file.path)):
                content = file.content.encode()
                entry = tarfile.TarInfo(file.path)
                entry.size = len(content)
                entry.mode = file.mode & (0o700 if file.secret else 0o777)
                tar.addfile(entry, io.BytesIO(content))
        return base64.b64encode(gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)).decode("ascii")

    def script(self) -> str:
        """The text of the remote command: unpacks the archive from standard input and runs `converge`."""
        files = sorted(self.files, key=lambda file: file.path)
        return render_template(
            "common/run.sh.j2",
            step=self.step,
            limit_seconds=self.limit_seconds,
            files=[f"{file.path} {'secret' if file.secret else file.digest}" for file in files],
            word_seconds=WORD_SECONDS,
        )


def script_file(path: str, mode: int = 0o644) -> File:
    """The script at `path` below machines/: on the machine all files of a bundle lie in one folder."""
    return File(PurePosixPath(path).name, read_script(path), mode)


def scripts(converge: str, *parts: str) -> list[File]:
    """The role's script as `converge`, and what it sources or calls: the parts of every role, and its own `parts`."""
    return [File(CONVERGE, read_script(converge), 0o755), *map(script_file, (*_COMMON_PARTS, *parts))]


def settings_file(settings: ScriptSettings) -> File:
    """The settings as a file that the scripts source."""
    return File("settings.sh", render_template("common/settings.sh.j2", settings=settings))


def key_pair(path: str, certificate: str, key: str) -> list[File]:
    """A PEM certificate and its key, which root alone reads, as files that begin with `path`."""
    return [File(f"{path}.crt", certificate), secret_key(path, key)]


def secret_key(path: str, key: str) -> File:
    """A PEM key, which root alone reads."""
    return File(f"{path}.key", key, 0o600, secret=True)
