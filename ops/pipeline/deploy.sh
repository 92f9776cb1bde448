#!/usr/bin/env bash
# deploy.sh STACK [NAME-TO-APPROVE...]: runs `pulumi up` for one stack in CI, without questions. The gate of the pull
# request runs first, because the stack may have changed between review and merge.
set -Eeuo pipefail
stack=$1
shift
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ops/pipeline/preview.sh "$stack" "$folder"
status=0
ops/pipeline/review.sh "$folder" "$folder/comment.md" "$@" || status=$?
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || cat "$folder/comment.md" >>"$GITHUB_STEP_SUMMARY"
[ "$status" -eq 0 ] || { cat "$folder/comment.md"; exit "$status"; }
pulumi up --yes --skip-preview --non-interactive --suppress-outputs --stack "$stack"
