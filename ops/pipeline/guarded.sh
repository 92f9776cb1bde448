#!/usr/bin/env bash
# Whether people stand before environments of GitHub: guarded.sh ENVIRONMENT...
# A pull request may change the program, and the program then runs with what the environment holds. So one for production's
# preview needs required reviewers; without them, or when the forge does not say, this fails and no preview runs.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=ops/pipeline/forge.sh
source ops/pipeline/forge.sh
status=0
for environment; do
    if ! answer=$(github GET "/repos/$GITHUB_REPOSITORY/environments/$environment"); then
        echo "$environment: nobody knows whether people stand before it; make this environment, with required reviewers (docs/pull-requests.md)" >&2
        status=1
    elif ! jq --exit-status 'any(.protection_rules[]?; .type == "required_reviewers" and (.reviewers | length) > 0)' <<<"$answer" >/dev/null; then
        echo "$environment: has no required reviewers, so any pull request could run its own program with production's credentials; set them (docs/pull-requests.md)" >&2
        status=1
    fi
done
exit "$status"
