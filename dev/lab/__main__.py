"""`python3 -m dev.lab`: switches to the system's Python, which has Debian's OpenStack modules."""

import os
import sys
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"

in_other = Path(sys.executable).resolve() != Path(SYSTEM_PYTHON).resolve() or sys.prefix != sys.base_prefix
if Path(SYSTEM_PYTHON).exists() and in_other:
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, "-m", "dev.lab", *sys.argv[1:]])

from dev.lab.cli import main  # noqa: E402

sys.exit(main())
