#!/bin/bash
# Tokens, keys and certificate keys do not get through to a reader.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2154
. "$(dirname "$0")/prelude.sh"
. "$SCRIPTS/common/lib.sh"

token=abcdef.0123456789abcdef
key=$(printf '%064d' 7)
shown=$(printf 'join --token %s --certificate-key %s end\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nafter\n' \
    "$token" "$key" | without_secrets)
for secret in "$token" "$key" MIIE; do
    [[ $shown != *"$secret"* ]] || { echo "$secret is shown: $shown" >&2; exit 1; }
done
expect_contains "the rest stays" "$shown" "end"
expect_contains "the rest stays" "$shown" "after"
