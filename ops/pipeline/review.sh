#!/usr/bin/env bash
# The comment and the gate for previews that ops/pipeline/preview.sh made: review.sh FOLDER COMMENT-FILE [NAME-TO-APPROVE...]
# Ends as `python -m ops preview-comment` does; without a forge the approvals are those given by name.
set -Eeuo pipefail
folder=$(realpath "$1") comment=$(realpath -m "$2")
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
text=$(mktemp)
trap 'rm -f "$text"' EXIT
approve=()
for name; do approve+=(--approve "$name"); done
if ! ops/pipeline/approvals.sh >"$text"; then
    echo "the forge does not tell the change's description: only its commits' messages can approve" >&2
fi
python -m ops preview-comment "$folder" --approvals "$text" "${approve[@]}" --output "$comment"
