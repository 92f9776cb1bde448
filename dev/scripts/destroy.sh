#!/usr/bin/env bash
# Runs `pulumi destroy` for the selected stack without questions. Source environment.sh first.
set -Eeuo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# Without a preview, the engine would notice protected resources only after it has removed others.
case " $* " in
    *" --exclude-protected "* | *" --target "*) ;;
    *) python -m ops protected ;;
esac
python -m ops recover --no-releases
started=$SECONDS
pulumi destroy --yes --skip-preview --non-interactive --parallel 32 "$@"
echo "pulumi destroy: $((SECONDS - started)) s"
