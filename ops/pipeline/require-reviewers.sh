#!/usr/bin/env bash
# require-reviewers.sh ENVIRONMENT...: fails unless these GitHub environments have required reviewers.
# A pull request can change the program, which then runs with the environment's secrets. So the environment for previews of
# production needs reviewers. Without them, or when the forge does not answer, this fails and no preview runs.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source ops/pipeline/forge.sh
status=0
for environment; do
    if ! answer=$(github GET "/repos/$GITHUB_REPOSITORY/environments/$environment"); then
        echo "$environment: cannot find out whether it has required reviewers; create it with required reviewers (docs/pull-requests.md)" >&2
        status=1
    elif ! jq --exit-status 'any(.protection_rules[]?; .type == "required_reviewers" and (.reviewers | length) > 0)' <<<"$answer" >/dev/null; then
        echo "$environment: has no required reviewers, so any pull request could run its own code with production's credentials; add reviewers (docs/pull-requests.md)" >&2
        status=1
    fi
done
exit "$status"
