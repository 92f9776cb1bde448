#!/usr/bin/env bash
# review.sh FOLDER COMMENT-FILE [NAME-TO-APPROVE...]: writes the comment for the previews of ops/pipeline/preview.sh and
# acts as the gate. The exit status is that of `python -m ops preview-comment`. Without a forge, the names are the approvals.
set -Eeuo pipefail
folder=$(realpath "$1") comment=$(realpath -m "$2")
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
text=$(mktemp)
trap 'rm -f "$text"' EXIT
approve=()
for name; do approve+=(--approve "$name"); done
if ! ops/pipeline/approvals.sh >"$text"; then
    echo "the forge does not give the description of the change: only commit messages can approve" >&2
fi
python -m ops preview-comment "$folder" --approvals "$text" "${approve[@]}" --output "$comment"
