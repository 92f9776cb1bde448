#!/usr/bin/env bash
# comment.sh FILE: creates or updates a comment on this job's pull request (GitHub) or a note on its merge request (GitLab).
# A job for a fork may not write one: its text is only in the job's summary (GitHub, where it always goes) or log (GitLab).
# On GitLab, GITLAB_TOKEN is a project access token with the scope `api`, which such a job lacks.
set -Eeuo pipefail
file=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source ops/pipeline/forge.sh
# Anyone can write the marker, so look for a comment of our own.
MARKER=$(head -n 1 "$file")
export MARKER AUTHOR
if [ -n "${GITHUB_EVENT_PATH:-}" ]; then
    [ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$file" >>"$GITHUB_STEP_SUMMARY"
    number=$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH")
    [ -n "$number" ] || { echo "this job has no pull request, so there is no comment" >&2; exit 0; }
    if [ "$(jq -r '.pull_request.head.repo.full_name // empty' "$GITHUB_EVENT_PATH")" != "$GITHUB_REPOSITORY" ]; then
        echo "a pull request from a fork may not write comments; see the job's summary" >&2
        exit 0
    fi
    issues=/repos/$GITHUB_REPOSITORY/issues
    forge=github list=$issues/$number/comments entries=$issues/comments
    AUTHOR=${COMMENT_AUTHOR:-github-actions[bot]} author='.user.login'
else
    [ -n "${CI_MERGE_REQUEST_IID:-}" ] || { echo "this job has no merge request, so there is no note" >&2; exit 0; }
    if [ -z "${GITLAB_TOKEN:-}" ]; then
        echo "GITLAB_TOKEN is not set, so there is no note" >&2
        cat "$file"
        exit 0
    fi
    list=/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
    forge=gitlab entries=$list
    AUTHOR=$(gitlab GET /user | jq -r .id) author='(.author.id | tostring)'
fi
jq --null-input --rawfile body "$file" '{body: $body}' |
    publish "$forge" "$list" "$entries" "select((.body | startswith(env.MARKER)) and $author == env.AUTHOR) | .id"
