#!/usr/bin/env bash
# `pulumi destroy` of the selected stack without questions. Source environment.sh first.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Without its preview the engine finds out about protected resources when it has removed others.
case " $* " in
    *" --exclude-protected "* | *" --target "*) ;;
    *) python -m ops protected ;;
esac
python -m ops recover --no-releases
started=$SECONDS
pulumi destroy --yes --skip-preview --non-interactive --parallel 32 "$@"
echo "pulumi destroy: $((SECONDS - started)) s"
