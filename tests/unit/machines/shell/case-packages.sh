#!/bin/bash
# Only what is missing in the wanted version is asked of apt, and nothing at all when nothing is missing. What runs on
# a serving machine waits for its turn, and is then installed.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2153,SC2154
. "$(dirname "$0")/prelude.sh"
. "$SCRIPTS/common/lib.sh"
. "$SCRIPTS/common/packages.sh"
EPOCH=
. "$SCRIPTS/common/maintenance.sh"

for pair in "1.34.2-1.1 1.34.2" "1:1.34.2 1.34.2" "3.6.5+ds1-2 3.6.5" "2.0 " "1:2.2.7-1+b2 1:2.2.7-1+b2"; do
    version_matches "${pair% *}" "${pair#* }" || { echo "$pair should match" >&2; exit 1; }
done
for pair in "1.34.20-1.1 1.34.2" "1.34.2.1 1.34.2" "1.35.0 1.34.2" "2.6.12-1+deb12u3 2.6.12-1+deb12u4"; do
    if version_matches "${pair% *}" "${pair#* }"; then
        echo "$pair should not match" >&2
        exit 1
    fi
done

fake dpkg-query <<'FAKE'
cat "$ROOT/installed"
FAKE
fake apt-get <<'FAKE'
for word; do [[ $word == --* && $word != --download-only && $word != --with-new-pkgs ]] || [[ $word == *::* ]] || line+="$word "; done
echo "apt-get $line" >>"$ROOT/calls"
case "$*" in
    *download-only* | *--simulate*) ;;
    *haproxy=*) sed -i 's/deb12u3/deb12u4/' "$ROOT/installed" ;;
esac
FAKE
fake apt-mark <<'FAKE'
echo "apt-mark $*" >>"$ROOT/calls"
FAKE
fake apt-cache <<'FAKE'
case $2 in
    haproxy) echo " haproxy | 2.6.12-1+deb12u4 | http://mirror stable/main amd64 Packages" ;;
    kubelet)
        echo " kubelet | 1.34.10-1.1 | http://mirror stable/main amd64 Packages"
        echo " kubelet | 1.34.2-1.1 | http://mirror stable/main amd64 Packages"
        ;;
esac
FAKE
export ROOT
calls() { [ ! -e "$ROOT/calls" ] || tr "\n" ";" <"$ROOT/calls"; rm -f "$ROOT/calls"; }

cat >"$ROOT/installed" <<'LIST'
curl installed install 7.88
kubelet installed hold 1.34.1-1.1
etcd deinstall deinstall 3.6.5-1
LIST
PACKAGES=(curl jq kubelet=1.34.2 etcd=3.6.5)
find_missing
expect "missing" "${missing[*]}" "jq kubelet=1.34.2 etcd=3.6.5"
expect "offer" "$(in_apt kubelet 1.34.2)" "kubelet=1.34.2-1.1"

# etcd's archive: only with a digest for this machine's architecture, and never what lies about. It is what runs where
# there is a package as well, until a newer package takes its place.
fake dpkg <<'FAKE'
echo arm64
FAKE
download() {
    echo "download $1" >>"$ROOT/calls"
    cp "$ROOT/archive.tar.gz" "$2"
    sha256sum --check --status <<<"$3  $2"
}
mkdir -p "$ROOT/made/etcd-v3.7.3" "$LOCAL_PROGRAMS" "$STATE"
for program in etcd etcdctl etcdutl; do echo "$program of the archive" >"$ROOT/made/etcd-v3.7.3/$program"; done
tar --create --gzip --directory "$ROOT/made" --file "$ROOT/archive.tar.gz" etcd-v3.7.3
digest=$(sha256sum "$ROOT/archive.tar.gz" | cut -d ' ' -f 1)
for ETCD_ARCHIVES in "amd64 $digest http://files/amd64" "arm64  http://files/arm64" "arm64 x http://files/arm64"; do
    outcome fetch_etcd_archive 3.7.3
    expect "no digest" "$status $(calls)" "70 "
    expect_contains "no digest: said" "$output" "for arm64 is not known: set etcd.sha256"
done
ETCD_ARCHIVES=("amd64 ${digest//[0-9]/0} http://files/amd64" "arm64 ${digest//[0-9]/0} http://files/arm64")
outcome fetch_etcd_archive 3.7.3
expect "another digest" "$status $(calls)" "70 download http://files/arm64;"
ETCD_ARCHIVES=("amd64 $digest http://files/amd64" "arm64 $digest http://files/arm64")
echo "half of it" >"$STATE/etcd-3.7.3.tar.gz"
fetch_etcd_archive 3.7.3 >/dev/null
fetch_etcd_archive 3.7.3 >/dev/null
expect "once" "$(calls)" "download http://files/arm64;"
echo "etcd installed hold 3.6.14-1" >"$ROOT/installed"
PACKAGES=(etcd=3.7.3)
find_missing
expect "not yet" "${missing[*]}" "etcd=3.7.3"
install_wanted etcd=3.7.3 >/dev/null
find_missing
expect "installed" "${missing[*]}" ""
expect "installed: what" "$(cat "$LOCAL_PROGRAMS/etcdctl")" "etcdctl of the archive"
rm -f "$ROOT/calls"
fake apt-cache <<'FAKE'
echo " etcd | 3.7.4-1 | http://mirror stable/main amd64 Packages"
FAKE
mkdir -p "$ROOT/usr/sbin"
cp "$SCRIPTS/common/no-start.sh" "$folder"
install_wanted --download-only etcd=3.7.4
expect "fetched alone" "$(archive_version)" "3.7.3"
install_wanted etcd=3.7.4
expect "a package in its place" "$(ls "$LOCAL_PROGRAMS")$(archive_version)" ""
rm -f "$ROOT/calls"
fake apt-cache <<'FAKE'
case $2 in
    haproxy) echo " haproxy | 2.6.12-1+deb12u4 | http://mirror stable/main amd64 Packages" ;;
    kubelet)
        echo " kubelet | 1.34.10-1.1 | http://mirror stable/main amd64 Packages"
        echo " kubelet | 1.34.2-1.1 | http://mirror stable/main amd64 Packages"
        ;;
esac
FAKE
sources_are_read=false

# On a gateway that serves: jq comes now, haproxy in its turn. keepalived has no version, and is held all the same.
write_sources() { :; }
cat >"$ROOT/installed" <<'LIST'
haproxy installed hold 2.6.12-1+deb12u3
keepalived installed install 1:2.2.7-1+b2
LIST
mkdir -p "$ROOT/usr/sbin"
cp "$SCRIPTS/common/no-start.sh" "$folder"
PACKAGES=(jq haproxy=2.6.12-1+deb12u4 keepalived)
DEFERRED=(haproxy keepalived)
mkdir -p "$STATE"
outcome install_packages
expect "serving" "$status $(calls)" "0 apt-get update ;apt-get install jq ;apt-mark hold keepalived;"
expect_contains "serving: said" "$output" "changed in this machine's turn: haproxy=2.6.12-1+deb12u4"
PACKAGES=(haproxy=2.6.12-1+deb12u4 keepalived)
find_missing
expect "waits" "$(what_waits)" "haproxy 2.6.12-1+deb12u4"
expect "waits for others" "$(what_waits keepalived)" ""
fetch_packages
expect "fetched" "$(calls)" "apt-get update ;apt-get install --download-only haproxy=2.6.12-1+deb12u4 ;"
change_packages keepalived
expect "another one's turn" "$(calls)" ""
change_packages >/dev/null
expect "its turn" "$(calls)" "apt-get install haproxy=2.6.12-1+deb12u4 ;apt-mark hold keepalived;"
expect "afterwards" "$(what_waits)${#missing[@]}" "0"
[ ! -e "$NO_START" ] || expect "services may start again" "$NO_START" ""

# An epoch: everything once, and what has a version keeps it.
EPOCH=2026-11
expect "an epoch waits" "$(what_waits)" "the epoch 2026-11"
renew_packages >/dev/null
expect "an epoch" "$(calls)" "apt-get upgrade --with-new-pkgs ;apt-get install keepalived ;apt-mark hold keepalived;"
mkdir -p "$ROOT/run"
: >"$ROOT/run/reboot-required"
expect_contains "a reboot is only announced" "$(end_epoch)" "needs a reboot"
renew_packages
expect "an epoch that is over" "$(calls)$(what_waits)" ""
