#!/usr/bin/env bash
# Writes requirements.txt and requirements-dev.txt, with the hashes of every file of a release, from their .in files:
# lock.sh FOLDER-OF-TOOLS [OPTION-OF-UV...]; --upgrade raises what the .in files do not pin.
set -Eeuo pipefail
bin=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"$bin/pip" install --quiet --disable-pip-version-check --target "$tools" uv==0.13.8
# One file for every Python from 3.11 on and every system: uv writes markers where they differ. It takes the index from
# its own variables only, and writes no address into the files.
export UV_CACHE_DIR=$tools/cache
for name in requirements requirements-dev; do
    "$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --output-file "$name.txt" "$@" "$name.in"
done
