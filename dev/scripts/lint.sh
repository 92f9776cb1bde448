#!/usr/bin/env bash
# lint.sh FOLDER-OF-TOOLS: runs every linter on the tree.
set -Eeuo pipefail
bin=$1
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"$bin/ruff" check --quiet .
"$bin/ruff" format --quiet --check .
"$bin/mypy" --no-error-summary settings preflight components node ops policy dev __main__.py
# Golden files are left out: their sources are checked.
git ls-files -z '*.sh' ':!tests/unit/golden' | xargs -0 --no-run-if-empty shellcheck --external-sources
echo "lint: clean"
