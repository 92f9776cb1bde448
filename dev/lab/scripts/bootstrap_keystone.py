"""bootstrap_keystone.py CONFIGURATION URL REGION: makes keystone's first project, administrator, roles and endpoint.

The administrator's password is read from standard input. keystone's own program takes it from an argument or from the
environment, which others can read, so it is set here inside the process.
"""

import os
import sys

from keystone.cmd import manage  # type: ignore[import-not-found]

configuration, url, region = sys.argv[1:]
os.environ["OS_BOOTSTRAP_PASSWORD"] = sys.stdin.read().strip()
sys.argv = ["keystone-manage", "--config-file", configuration, "bootstrap", "--bootstrap-region-id", region]
for interface in ("admin", "internal", "public"):
    sys.argv += [f"--bootstrap-{interface}-url", url]
sys.exit(manage.main())
