#!/usr/bin/env bash
# comment-github.sh FILE: creates or updates a comment on this job's pull request. The text also goes to the job's
# summary. For a pull request from a fork, whose token may not write comments, it goes only there.
set -Eeuo pipefail
file=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=ops/pipeline/forge.sh
source ops/pipeline/forge.sh
marker=$(head -n 1 "$file")
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$file" >>"$GITHUB_STEP_SUMMARY"
number=$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH")
[ -n "$number" ] || { echo "this job has no pull request, so there is no comment" >&2; exit 0; }
if [ "$(jq -r '.pull_request.head.repo.full_name // empty' "$GITHUB_EVENT_PATH")" != "$GITHUB_REPOSITORY" ]; then
    echo "a pull request from a fork may not write comments; see the job's summary" >&2
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
jq --null-input --rawfile body "$file" '{body: $body}' >"$scratch/body.json"
# Anyone can write the marker, so look for our own comment.
author=${COMMENT_AUTHOR:-github-actions[bot]}
known="" page=1
while [ -z "$known" ]; do
    github GET "/repos/$GITHUB_REPOSITORY/issues/$number/comments?per_page=100&page=$page" >"$scratch/page.json"
    known=$(jq -r --arg marker "$marker" --arg author "$author" \
        '[.[] | select((.body | startswith($marker)) and .user.login == $author)][0].id // empty' "$scratch/page.json")
    [ "$(jq length "$scratch/page.json")" -eq 100 ] || break
    page=$((page + 1))
done
if [ -n "$known" ]; then
    github PATCH "/repos/$GITHUB_REPOSITORY/issues/comments/$known" "$scratch/body.json" >/dev/null
    echo "comment $known updated" >&2
else
    github POST "/repos/$GITHUB_REPOSITORY/issues/$number/comments" "$scratch/body.json" >/dev/null
    echo "comment created" >&2
fi
