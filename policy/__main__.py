"""A policy pack when Pulumi runs this folder (`--policy-pack policy`); `python -m policy FILE` checks a file."""

import sys
from pathlib import Path

if __package__:
    from policy.check import main

    sys.exit(main())
else:
    # Pulumi runs the folder itself, from within: the package is one level up, and found by its name only.
    here = Path(__file__).resolve().parent
    sys.path[:] = [str(here.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != here)]
    from policy.pack import start

    start()
