#!/bin/bash
# Only what is missing in the wanted version is asked of apt, and nothing at all when nothing is missing.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2153,SC2154
. "$(dirname "$0")/prelude.sh"
. "$SCRIPTS/lib.sh"
. "$SCRIPTS/install.sh"

for pair in "1.34.2-1.1 1.34.2" "1:1.34.2 1.34.2" "3.6.5+ds1-2 3.6.5" "2.0 "; do
    version_matches "${pair% *}" "${pair#* }" || { echo "$pair should match" >&2; exit 1; }
done
for pair in "1.34.20-1.1 1.34.2" "1.34.2.1 1.34.2" "1.35.0 1.34.2"; do
    if version_matches "${pair% *}" "${pair#* }"; then
        echo "$pair should not match" >&2
        exit 1
    fi
done

fake dpkg-query <<'FAKE'
echo "curl installed 7.88"
echo "kubelet installed 1.34.1-1.1"
echo "etcd deinstall 3.6.5-1"
FAKE
PACKAGES=(curl jq kubelet=1.34.2 etcd=3.6.5)
find_missing
expect "missing" "${missing[*]}" "jq kubelet=1.34.2 etcd=3.6.5"

fake apt-cache <<'FAKE'
echo " kubelet | 1.34.10-1.1 | http://mirror stable/main amd64 Packages"
echo " kubelet | 1.34.2-1.1 | http://mirror stable/main amd64 Packages"
FAKE
expect "offer" "$(in_apt kubelet 1.34.2)" "kubelet=1.34.2-1.1"
