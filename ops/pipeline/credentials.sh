#!/usr/bin/env bash
# credentials.sh STACK FOLDER >>"$GITHUB_ENV": gives a job the cloud's credentials. It writes the variable CLOUDS_YAML (a
# clouds.yaml) to a private file in FOLDER and prints the variables that point to it, one NAME=VALUE per line. The stack's
# cloud is the entry with its name, or the only entry. Without CLOUDS_YAML, as in a fork's job, it prints nothing.
set -Eeuo pipefail
stack=$1 file=$2/clouds.yaml
[ -n "${CLOUDS_YAML:-}" ] || { echo "CLOUDS_YAML is not set, so this job has no credentials" >&2; exit 0; }
umask 077
printf '%s\n' "$CLOUDS_YAML" >"$file"
names=$(sed -n '/^clouds:/,/^[^ #]/s/^  \([A-Za-z0-9_.-]*\):.*/\1/p' "$file")
if grep --quiet --line-regexp --fixed-strings "$stack" <<<"$names"; then
    cloud=$stack
elif [ -n "$names" ] && [ "$(wc -l <<<"$names")" -eq 1 ]; then
    cloud=$names
else
    echo "CLOUDS_YAML must have an entry '$stack' or exactly one entry" >&2
    exit 1
fi
printf 'OS_CLIENT_CONFIG_FILE=%s\nOS_CLOUD=%s\n' "$file" "$cloud"
