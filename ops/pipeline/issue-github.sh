#!/usr/bin/env bash
# issue-github.sh TITLE FILE: opens an issue with this title and text, or updates the open issue with this title.
set -Eeuo pipefail
export TITLE=$1
file=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source ops/pipeline/forge.sh
issues=/repos/$GITHUB_REPOSITORY/issues
jq --null-input --rawfile body "$file" '{title: env.TITLE, body: $body, labels: ["drift"]}' |
    publish github "$issues" "$issues" 'select(.title == env.TITLE) | .number' '&state=open&labels=drift'
