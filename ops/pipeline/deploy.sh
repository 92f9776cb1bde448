#!/usr/bin/env bash
# Brings one stack to what the tree says, without questions, for CI: deploy.sh STACK [NAME-TO-APPROVE...]
# First the same gate as on the pull request: between review and merge, the stack may have become another.
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
