#!/bin/bash
# shellcheck disable=SC2034,SC2154
# The keys that Pulumi logs in with come and go with the settings; those of people stay.
set -Eeuo pipefail
# shellcheck source=/dev/null
. "$(dirname "$0")/prelude.sh"
cp "$SCRIPTS"/common/{lib,machine}.sh "$folder"
# shellcheck source=/dev/null
for part in lib machine; do . "$folder/$part.sh"; done
mkdir -p "$folder/files" "$STATE" "$ROOT/home/.ssh"
user=$(id --user --name)
keys=$ROOT/home/.ssh/authorized_keys
fake getent <<<"echo \"\$2:x:0:0::$ROOT/home:/bin/bash\""

# accept KEY...: as the settings have it.
accept() {
    printf '%s\n' "$user" "$@" >"$folder/files/login-keys"
    accept_keys >/dev/null
}

printf '%s\n' "ssh-ed25519 AAAAfirst" 'from="192.0.2.1" ssh-ed25519 AAAAperson somebody' >"$keys"
accept "ssh-ed25519 AAAAfirst"
expect "nothing new" "$(sort "$keys" | xargs -d '\n' printf '%s|')" 'from="192.0.2.1" ssh-ed25519 AAAAperson somebody|ssh-ed25519 AAAAfirst|'
accept "ssh-ed25519 AAAAfirst" "ssh-ed25519 AAAAsecond"
expect "one more" "$(grep -c . "$keys")" 3
expect "for nobody else to read" "$(stat -c %a "$keys")" 600
accept "ssh-ed25519 AAAAsecond"
expect "the first has gone" "$(grep -c AAAAfirst "$keys" || true)" 0
expect "that of a person stays" "$(grep -c AAAAperson "$keys")" 1
# A run that was interrupted before it wrote down what it had put there.
printf '%s\n' "ssh-ed25519 AAAAfirst" >"$STATE/login-keys"
accept "ssh-ed25519 AAAAsecond"
expect "each once" "$(grep -c AAAAsecond "$keys")" 1
fake getent <<<'exit 2'
outcome accept_keys
expect "no such user" "$status" 70
