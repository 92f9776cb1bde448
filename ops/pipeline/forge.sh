# shellcheck shell=bash
# Source this file: `github` and `gitlab` METHOD PATH [FILE-WITH-JSON] call the API of the forge that runs this job.
# curl reads the token from standard input, so that it is never an argument.

# request METHOD URL HEADER-WITH-TOKEN [FILE]: prints the response's body. A status of 400 or more is an error and is shown.
request() {
    local answer status=0
    answer=$(mktemp)
    printf 'header = "%s"\n' "$3" | curl --config - --silent --show-error --fail-with-body --max-time 60 --retry 3 \
        --request "$1" --header 'Content-Type: application/json' ${4:+--data-binary "@$4"} --output "$answer" "$2" || status=$?
    if [ "$status" -ne 0 ]; then
        echo "$1 $2 failed: $(head -c 500 "$answer")" >&2
    else
        cat "$answer"
    fi
    rm -f "$answer"
    return "$status"
}

github() {
    request "$1" "${GITHUB_API_URL:-https://api.github.com}$2" "Authorization: Bearer ${GITHUB_TOKEN:?is needed for the API of GitHub}" "${3:-}"
}

gitlab() {
    request "$1" "${CI_API_V4_URL:-https://gitlab.com/api/v4}$2" "PRIVATE-TOKEN: ${GITLAB_TOKEN:?is needed for the API of GitLab}" "${3:-}"
}

# publish FORGE LIST ENTRIES OURS [QUERY]: updates our entry of LIST with the JSON on standard input, or creates one.
# OURS is a jq filter that gives the number of an entry if it is ours. The path of the entry is ENTRIES/NUMBER.
publish() (
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cat >"$scratch/entry.json"
    known="" page=1
    while [ -z "$known" ]; do
        "$1" GET "$2?per_page=100&page=$page${5:-}" >"$scratch/page.json"
        known=$(jq -r "[.[] | $4][0] // empty" "$scratch/page.json")
        [ "$(jq length "$scratch/page.json")" -eq 100 ] || break
        page=$((page + 1))
    done
    if [ -n "$known" ]; then
        method=PATCH
        [ "$1" = github ] || method=PUT
        "$1" "$method" "$3/$known" "$scratch/entry.json" >/dev/null
        echo "$3/$known updated" >&2
    else
        "$1" POST "$2" "$scratch/entry.json" >/dev/null
        echo "created in $2" >&2
    fi
)
