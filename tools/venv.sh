#!/usr/bin/env bash
# Makes or updates the virtual environment of the program, its tests and tools: venv.sh FOLDER
set -Eeuo pipefail
venv=$1
cd "$(dirname "${BASH_SOURCE[0]}")/.."
started=$SECONDS
python3 -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || {
    echo "python3 is $(python3 --version 2>&1): the program needs Python 3.11 or newer" >&2
    exit 1
}
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements-dev.txt
touch "$venv/.stamp"
echo "venv: ready in $((SECONDS - started)) s ($venv)"
