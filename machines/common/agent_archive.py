"""The agent as it travels to machines: a zip of its sources, whose bytes depend on nothing else.

`python -m machines.common.agent_archive FILE` writes it, to run it by hand.
"""

import atexit
import hashlib
import io
import shutil
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Final

#: The folder that has the package `agent`.
PROJECT: Final = Path(__file__).resolve().parents[2]
#: The oldest Python that machines may have (Ubuntu 22.04).
OLDEST_PYTHON: Final = (3, 10)

#: What Python runs first. Older ones can read it, too, so they say what is wrong.
_START: Final = f"""\
import sys
if sys.version_info < {OLDEST_PYTHON}:
    sys.exit("FAILED: the agent needs Python {".".join(map(str, OLDEST_PYTHON))} or newer, this is " + sys.version)
from agent.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@cache
def agent_archive(project: Path = PROJECT) -> bytes:
    """The zip."""
    sources = {path.relative_to(project).as_posix(): path.read_bytes() for path in (project / "agent").rglob("*.py")}
    content = io.BytesIO()
    # Not compressed: the bytes would depend on zlib's version, and Python would unpack each module at each run.
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for path, source in sorted({"__main__.py": _START.encode(), **sources}.items()):
            entry = zipfile.ZipInfo(path, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, source)
    return content.getvalue()


def archive_name() -> str:
    """Its name on machines, with a digest: another content has another name."""
    return f"agent-{hashlib.sha256(agent_archive()).hexdigest()[:12]}.pyz"


@cache
def archive_file() -> Path:
    """The zip in a folder of this process alone, until the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="openstack-paas-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / archive_name()
    file.write_bytes(agent_archive())
    return file


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(agent_archive())
