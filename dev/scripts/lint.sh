#!/usr/bin/env bash
# lint.sh FOLDER-OF-TOOLS: runs every linter on the tree.
set -Eeuo pipefail
bin=$1
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"$bin/ruff" check --quiet .
"$bin/ruff" format --quiet --check .
"$bin/mypy" --no-error-summary settings preflight components machines ops policy dev __main__.py
# It runs with the Python of machines, which may be older.
"$bin/mypy" --no-error-summary --python-version 3.10 agent
# Machines' scripts are checked with the parts that they source, by tests/unit/machines/test_tools.py.
git ls-files -z '*.sh' ':!tests/unit/machines/golden' ':!machines' | xargs -0 --no-run-if-empty shellcheck --external-sources
echo "lint: clean"
