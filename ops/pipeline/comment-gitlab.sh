#!/usr/bin/env bash
# comment-gitlab.sh FILE: creates or updates a note on this job's merge request. GITLAB_TOKEN is a project access token
# with the scope `api`. A merge request from a fork has none, so its job prints the text in the log.
set -Eeuo pipefail
file=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=ops/pipeline/forge.sh
source ops/pipeline/forge.sh
marker=$(head -n 1 "$file")
[ -n "${CI_MERGE_REQUEST_IID:-}" ] || { echo "this job has no merge request, so there is no note" >&2; exit 0; }
if [ -z "${GITLAB_TOKEN:-}" ]; then
    echo "GITLAB_TOKEN is not set, so there is no note" >&2
    cat "$file"
    exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
jq --null-input --rawfile body "$file" '{body: $body}' >"$scratch/body.json"
notes=/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
# Anyone can write the marker, so look for our own note.
gitlab GET /user >"$scratch/me.json"
me=$(jq -r .id "$scratch/me.json")
known="" page=1
while [ -z "$known" ]; do
    gitlab GET "$notes?per_page=100&page=$page" >"$scratch/page.json"
    known=$(jq -r --arg marker "$marker" --argjson me "$me" \
        '[.[] | select((.body | startswith($marker)) and .author.id == $me)][0].id // empty' "$scratch/page.json")
    [ "$(jq length "$scratch/page.json")" -eq 100 ] || break
    page=$((page + 1))
done
if [ -n "$known" ]; then
    gitlab PUT "$notes/$known" "$scratch/body.json" >/dev/null
    echo "note $known updated" >&2
else
    gitlab POST "$notes" "$scratch/body.json" >/dev/null
    echo "note created" >&2
fi
