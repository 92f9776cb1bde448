#!/usr/bin/env bash
# What a change would do to one stack, for `python -m ops preview-comment`: preview.sh STACK FOLDER [OPTION...]
# Writes FOLDER/STACK.json (the plan), STACK.err (what the engine said), STACK.status (how it ended) and, where there is
# something to know about it, STACK.note; options go to `pulumi preview`. It succeeds once these files are there: the comment shows a failed preview, and fails for it.
#
# A job of CI without a state backend is one for a fork, which gets no secrets: it previews the stack file from nothing,
# without asking the cloud, so that mistakes in settings are found there, too.
set -Eeuo pipefail
stack=$1 folder=$2
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ -n "${CI:-}" ] && [ -z "${PULUMI_BACKEND_URL:-}" ] && [ -z "${PULUMI_ACCESS_TOKEN:-}" ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    mkdir "$scratch/state" "$scratch/program"
    # In a copy, less what needs the stack's passphrase: its secrets cannot be read here, and are not needed.
    git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$scratch/program"
    # Pulumi would make another virtual environment there, and take a minute for it.
    [ ! -e venv ] || ln -s "$(realpath venv)" "$scratch/program/venv"
    python -m ops.pipeline.without_secrets "Pulumi.$stack.yaml" >"$scratch/stack.yaml"
    mapfile -t secrets < <(python -m ops.pipeline.without_secrets --names "Pulumi.$stack.yaml")
    cd "$scratch/program"
    mv "$scratch/stack.yaml" "Pulumi.$stack.yaml"
    # Protects nothing: this state is deleted at the end.
    export PULUMI_BACKEND_URL=file://$scratch/state PULUMI_CONFIG_PASSPHRASE=fork OPENSTACK_PAAS_PREFLIGHT=optional
    # The provider wants an address of a cloud, which a preview from nothing never asks. Nobody listens on port 9 (discard).
    unset OS_CLOUD OS_CLIENT_CONFIG_FILE
    export OS_AUTH_URL=http://127.0.0.1:9/v3 OS_USERNAME=nobody OS_PASSWORD=none OS_PROJECT_NAME=none
    export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default
    pulumi stack init "$stack" --non-interactive >/dev/null
    # Settings may want a secret to be there; which one it is makes no difference to a plan from nothing.
    for key in "${secrets[@]}"; do
        pulumi config set --secret --stack "$stack" --non-interactive "$key" stand-in
    done
    echo "without state and credentials, so from nothing" >"$folder/$stack.note"
fi
status=0
# The engine would write the whole state at each step of a preview, for nothing: minutes where hundreds of machines are new.
PULUMI_SKIP_CHECKPOINTS=true pulumi preview --json --show-sames --non-interactive --stack "$stack" "$@" \
    >"$folder/$stack.json" 2>"$folder/$stack.err" || status=$?
echo "$status" >"$folder/$stack.status"
echo "$stack: previewed (exit status $status), see $folder/$stack.json" >&2
