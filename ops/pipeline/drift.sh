#!/usr/bin/env bash
# Whether a stack is what the tree says, and the cloud what the stack says: drift.sh STACK REPORT-FILE
# Ends with 0 when nothing differs, with 1 when something does or the preview fails; the report shows what.
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
# The engine ends badly because of the changes; where it has planned them, the report shows them instead of a failure.
jq -e '[.diagnostics // [] | .[] | select(.severity == "error")] | length == 0' "$folder/$stack.json" >/dev/null 2>&1 &&
    echo 0 >"$folder/$stack.status"
python -m ops preview-comment "$folder" --output "$report" || true
echo "$stack: differs, see $report" >&2
exit 1
