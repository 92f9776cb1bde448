#!/usr/bin/env bash
# issue-github.sh TITLE FILE: opens an issue with this title and text, or updates the open issue with this title.
set -Eeuo pipefail
title=$1 file=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=ops/pipeline/forge.sh
source ops/pipeline/forge.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
jq --null-input --arg title "$title" --rawfile body "$file" '{title: $title, body: $body, labels: ["drift"]}' >"$scratch/issue.json"
github GET "/repos/$GITHUB_REPOSITORY/issues?state=open&labels=drift&per_page=100" >"$scratch/open.json"
known=$(jq -r --arg title "$title" '[.[] | select(.title == $title)][0].number // empty' "$scratch/open.json")
if [ -n "$known" ]; then
    github PATCH "/repos/$GITHUB_REPOSITORY/issues/$known" "$scratch/issue.json" >/dev/null
    echo "issue $known updated" >&2
else
    github POST "/repos/$GITHUB_REPOSITORY/issues" "$scratch/issue.json" >/dev/null
    echo "issue opened" >&2
fi
