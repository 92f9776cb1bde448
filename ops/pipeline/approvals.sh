#!/usr/bin/env bash
# approvals.sh [BASE]: prints the texts that may contain approvals: the messages of the change's commits and the
# description of its pull request. Jobs on GitHub and GitLab need no argument.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source ops/pipeline/forge.sh
base=${1:-}
if [ -n "${GITHUB_EVENT_PATH:-}" ]; then
    jq -r '.pull_request.body // empty' "$GITHUB_EVENT_PATH"
    : "${base:=$(jq -r '.pull_request.base.sha // .before // empty' "$GITHUB_EVENT_PATH")}"
    if [ "${GITHUB_EVENT_NAME:-}" = push ]; then
        # After the merge: the descriptions of the pull requests with this commit.
        github GET "/repos/$GITHUB_REPOSITORY/commits/$GITHUB_SHA/pulls" | jq -r '.[].body // empty'
    fi
elif [ -n "${CI_PROJECT_ID:-}" ]; then
    if [ -n "${CI_MERGE_REQUEST_IID:-}" ]; then
        # The job also has a variable with it, but GitLab cuts that after 2,700 characters.
        gitlab GET "/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID" | jq -r '.description // empty'
    else
        gitlab GET "/projects/$CI_PROJECT_ID/repository/commits/$CI_COMMIT_SHA/merge_requests" | jq -r '.[].description // empty'
    fi
    : "${base:=${CI_MERGE_REQUEST_DIFF_BASE_SHA:-${CI_COMMIT_BEFORE_SHA:-}}}"
fi
# The first push of a branch has no previous commit: its base is all zeros.
if [ -n "${base//0/}" ]; then
    git log --format=%B "$base..HEAD"
fi
