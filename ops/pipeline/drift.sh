#!/usr/bin/env bash
# drift.sh STACK REPORT-FILE: checks that the stack matches the tree and the cloud matches the stack. The exit status is 0
# when nothing differs, and 1 when something differs or the preview fails. The report shows what.
set -Eeuo pipefail
stack=$1 report=$(realpath -m "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ops/pipeline/preview.sh "$stack" "$folder" --refresh --expect-no-changes
if [ "$(cat "$folder/$stack.status")" -eq 0 ]; then
    echo "$stack: no drift" | tee "$report"
    exit 0
fi
# The engine fails because there are changes. If it has planned them, the report shows them instead of a failure.
jq -e '[.diagnostics // [] | .[] | select(.severity == "error")] | length == 0' "$folder/$stack.json" >/dev/null 2>&1 &&
    echo 0 >"$folder/$stack.status"
python -m ops preview-comment "$folder" --output "$report" || true
echo "$stack: there is drift, see $report" >&2
exit 1
