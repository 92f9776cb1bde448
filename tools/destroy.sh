#!/usr/bin/env bash
# `pulumi destroy` of the selected stack without questions. Source environment.sh first.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/unlock.sh
python -m ops recover
started=$SECONDS
pulumi destroy --yes --skip-preview --non-interactive --parallel 32 "$@"
echo "pulumi destroy: $((SECONDS - started)) s"
