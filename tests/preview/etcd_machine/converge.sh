#!/bin/bash
# shellcheck disable=SC2034,SC2153,SC2154
# Runs the step of the bundle's converge that comes before membership.
folder=$ROOT/bundle
# shellcheck source=/dev/null
for part in lib settings; do . "$folder/$part.sh"; done
eval "$(sed -n '/^refuse_half_restore() {/,/^}/p' "$folder/converge")"
step "restore" refuse_half_restore
