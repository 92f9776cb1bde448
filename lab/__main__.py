"""`python3 -m lab`, from any Python: goes on with the system's, for which Debian's OpenStack modules are installed."""

import os
import sys
from pathlib import Path

SYSTEM_PYTHON = "/usr/bin/python3"

in_other = Path(sys.executable).resolve() != Path(SYSTEM_PYTHON).resolve() or sys.prefix != sys.base_prefix
if Path(SYSTEM_PYTHON).exists() and in_other:
    os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, "-m", "lab", *sys.argv[1:]])

from lab.cli import main  # noqa: E402

sys.exit(main())
