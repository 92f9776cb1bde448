#!/usr/bin/env bash
# Where approvals may stand, as one text on standard output: the messages of the change's commits, and the description of its
# pull request. In a job of GitHub or GitLab all is found; elsewhere: approvals.sh BASE [FILE-WITH-DESCRIPTION]
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=ops/pipeline/forge.sh
source ops/pipeline/forge.sh
base=${1:-}
if [ -n "${GITHUB_EVENT_PATH:-}" ]; then
    jq -r '.pull_request.body // empty' "$GITHUB_EVENT_PATH"
    : "${base:=$(jq -r '.pull_request.base.sha // .before // empty' "$GITHUB_EVENT_PATH")}"
    if [ "${GITHUB_EVENT_NAME:-}" = push ]; then
        # After the merge: the descriptions of the pull requests that brought this commit.
        github GET "/repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" | jq -r '.[].body // empty'
    fi
elif [ -n "${CI_PROJECT_ID:-}" ]; then
    if [ -n "${CI_MERGE_REQUEST_IID:-}" ]; then
        # Not the variable of the job, which GitLab cuts after 2,700 characters.
        gitlab GET "/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID" | jq -r '.description // empty'
    else
        gitlab GET "/projects/$CI_PROJECT_ID/repository/commits/$CI_COMMIT_SHA/merge_requests" | jq -r '.[].description // empty'
    fi
    : "${base:=${CI_MERGE_REQUEST_DIFF_BASE_SHA:-${CI_COMMIT_BEFORE_SHA:-}}}"
elif [ -n "${2:-}" ]; then
    cat "$2"
fi
# A branch's first push has no commit before: its base is all zeros.
if [ -n "${base//0/}" ]; then
    git log --format=%B "$base..HEAD"
fi
