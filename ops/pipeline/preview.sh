#!/usr/bin/env bash
# preview.sh STACK FOLDER [OPTION...]: previews a change of one stack, for `python -m ops preview-comment`.
# Writes FOLDER/STACK.json (the plan), STACK.err (the engine's messages), STACK.status (the exit status) and, if there is a
# remark, STACK.note. The options are passed to `pulumi preview`. It succeeds when these files exist, even after a failed
# preview: the comment shows the failure and fails.
#
# A CI job without a state backend belongs to a fork, which gets no secrets. It previews the stack file from nothing and
# without the cloud, so that mistakes in settings are still found.
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
    # Use a copy without the stack's secrets: they cannot be read here and are not needed.
    git ls-files -z | tar --create --null --files-from - | tar --extract --directory "$scratch/program"
    # Pulumi would make another virtual environment there, and take a minute for it.
    [ ! -e venv ] || ln -s "$(realpath venv)" "$scratch/program/venv"
    python -m ops.pipeline.without_secrets "Pulumi.$stack.yaml" >"$scratch/stack.yaml"
    mapfile -t secrets < <(python -m ops.pipeline.without_secrets --names "Pulumi.$stack.yaml")
    cd "$scratch/program"
    mv "$scratch/stack.yaml" "Pulumi.$stack.yaml"
    # This passphrase protects nothing: the state is deleted at the end.
    export PULUMI_BACKEND_URL=file://$scratch/state PULUMI_CONFIG_PASSPHRASE=fork OPENSTACK_PAAS_PREFLIGHT=optional
    # The provider needs the address of a cloud, but a preview from nothing does not use it. Nothing listens on port 9.
    unset OS_CLOUD OS_CLIENT_CONFIG_FILE
    export OS_AUTH_URL=http://127.0.0.1:9/v3 OS_USERNAME=nobody OS_PASSWORD=none OS_PROJECT_NAME=none
    export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default
    pulumi stack init "$stack" --non-interactive >/dev/null
    # Settings may require a secret. Its value makes no difference to a plan from nothing.
    for key in "${secrets[@]}"; do
        pulumi config set --secret --stack "$stack" --non-interactive "$key" stand-in
    done
    echo "without state and credentials, so from nothing" >"$folder/$stack.note"
fi
status=0
# Otherwise the engine writes the whole state at each step of a preview, which takes minutes for hundreds of new machines.
PULUMI_SKIP_CHECKPOINTS=true pulumi preview --json --show-sames --non-interactive --stack "$stack" "$@" \
    >"$folder/$stack.json" 2>"$folder/$stack.err" || status=$?
echo "$status" >"$folder/$stack.status"
echo "$stack: previewed (exit status $status), see $folder/$stack.json" >&2
