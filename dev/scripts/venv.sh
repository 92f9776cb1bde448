#!/usr/bin/env bash
# Makes or updates the virtual environment of the program, its tests and tools: venv.sh FOLDER
# Several working trees share it, so nothing of this tree is installed there.
set -Eeuo pipefail
venv=$1
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
started=$SECONDS
python3 -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || {
    echo "this is $(python3 --version 2>&1), but the program needs Python 3.11 or newer" >&2
    exit 1
}
# On Debian, virtual environments need a separate package.
python3 -c 'import ensurepip' 2>/dev/null || {
    [ "$(id -u)" -eq 0 ] || { echo "python3 cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends python3-venv >/dev/null
}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
    --requirement requirements.txt --requirement requirements-dev.txt
# The command `paas` of whatever tree it is called in; `pip install -e .` installs that of one tree.
printf '#!/bin/sh\nexec "%s/bin/python" -m ops "$@"\n' "$venv" >"$venv/bin/paas"
chmod 0755 "$venv/bin/paas"
touch "$venv/.stamp"
echo "venv: ready in $((SECONDS - started)) s ($venv)"
