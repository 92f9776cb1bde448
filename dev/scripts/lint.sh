#!/usr/bin/env bash
# Every linter over the tree: lint.sh FOLDER-OF-TOOLS
set -Eeuo pipefail
bin=$1
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"$bin/ruff" check --quiet .
"$bin/ruff" format --quiet --check .
"$bin/mypy" --no-error-summary settings preflight components machines ops policy dev __main__.py
# Golden files are checked as what they are rendered from.
git ls-files -z '*.sh' ':!tests/unit/machines/golden' | xargs -0 --no-run-if-empty shellcheck --external-sources
echo "lint: clean"
