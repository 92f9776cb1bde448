# shellcheck shell=bash
# Packages: what is missing, in the wanted versions. Sourced after lib.sh and settings.sh. Runs in a chroot as well.
# PACKAGES holds names, or name=version for an upstream version whose Debian revision does not matter.

readonly APT_LOG=${ROOT:-}/var/log/openstack-paas-packages.log
readonly LOCAL_PROGRAMS=${ROOT:-}/usr/local/bin
readonly NO_START=${ROOT:-}/usr/sbin/policy-rc.d
# Packages whose change interrupts what runs. The platform alone changes them, also where no version is asked for: an
# automatic upgrade by Debian (unattended-upgrades) would restart them on all machines at once.
readonly ROLLED=(haproxy keepalived containerd runc)
# Names that a role sets on a machine that runs: packages in another version than wanted stay as they are for now, in
# `waiting`, until it is their turn (change_packages).
DEFERRED=()
missing=()
waiting=()
unheld=()
sources_are_read=false

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get --quiet --yes \
        --option DPkg::Lock::Timeout=180 --option Acquire::Retries=3 \
        --option Acquire::http::Timeout=20 --option Acquire::https::Timeout=20 \
        --option APT::Update::Error-Mode=any \
        --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold \
        --option Dpkg::Use-Pty=0 "$@" >>"$APT_LOG" 2>&1
}

# version_matches INSTALLED WANTED: 1:1.34.2-1.1 is 1.34.2; no wanted version matches all.
version_matches() {
    local installed=${1#*:} wanted=${2#*:}
    [[ -z $wanted || $installed == "$wanted" || $installed == "$wanted"[-+~]* ]]
}

# plain_version NAME: the upstream version of an installed package (1.34.2 of 1:1.34.2-1.1), nothing for any other.
plain_version() {
    # shellcheck disable=SC2016  # dpkg-query's own fields
    dpkg-query --show --showformat '${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
        sed -nE 's/^installed ([0-9]+:)?([^-+~]*).*/\2/p' || true
}

# minor_of VERSION: 6 of 3.6.5.
minor_of() { cut -d . -f 2 <<<"$1"; }

# archive_version: the version that is there of etcd's release archive, which PATH has before any package's.
archive_version() { [ ! -x "$LOCAL_PROGRAMS/etcd" ] || cat "$STATE/etcd-archive" 2>/dev/null || true; }

# is_one_of WORD WORD...: whether the first is among the others.
is_one_of() {
    local wanted=$1 word
    shift
    for word; do
        [ "$word" != "$wanted" ] || return 0
    done
    return 1
}

# find_missing: fills `missing` and `waiting` from PACKAGES, and `unheld`, by one look at dpkg's list.
find_missing() {
    local -A versions=()
    local name state hold version wanted found
    missing=()
    waiting=()
    unheld=()
    # shellcheck disable=SC2016  # dpkg-query's own fields
    while read -r name state hold version; do
        [ "$state" = installed ] || continue
        versions[$name]=$version
        if [ "$hold" != hold ] && { is_one_of "$name" "${ROLLED[@]}" || [[ " ${PACKAGES[*]}" == *" $name="* ]]; }; then
            unheld+=("$name")
        fi
    done < <(dpkg-query --show --showformat '${Package} ${db:Status-Status} ${db:Status-Want} ${Version}\n' \
        "${PACKAGES[@]%%=*}" 2>/dev/null)
    for wanted in "${PACKAGES[@]}"; do
        name=${wanted%%=*}
        version=${wanted#"$name"}
        version=${version#=}
        if [ "$name" = etcd ] && found=$(archive_version) && [ -n "$found" ]; then
            versions[etcd]=$found
        fi
        if [ -n "${versions[$name]:-}" ] && version_matches "${versions[$name]}" "$version"; then
            continue
        elif [ -n "${versions[$name]:-}" ] && is_one_of "$name" "${DEFERRED[@]}"; then
            waiting+=("$wanted")
        else
            missing+=("$wanted")
        fi
    done
}

# hold_packages: what is to stay in its version until the platform changes it, in an order that keeps it alive.
hold_packages() {
    [ "${#unheld[@]}" -eq 0 ] || apt-mark hold "${unheld[@]}" >/dev/null
}

# write_sources: the wanted apt sources. Our own Debian sources take the place of the machine's, which stay beside them.
write_sources() {
    local own entry
    if [ -s "$folder/files/debian.list" ]; then
        for own in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
            if [[ -s $own && $own != */openstack-paas-* ]]; then
                mv -- "$own" "$own.disabled"
                log "set aside $own"
            fi
        done
    fi
    install_or_remove "$folder/files/debian.list" /etc/apt/sources.list.d/openstack-paas-debian.list
    install_or_remove "$folder/files/packages.list" /etc/apt/sources.list.d/openstack-paas-packages.list
    for entry in "${APT_KEYS[@]}"; do
        # "PATH URL"; the path has a digest of the URL, so that another URL is another file.
        if [ ! -s "${entry%% *}" ]; then
            mkdir -p /etc/apt/keyrings
            download "${entry#* }" "${entry%% *}" "" || fail "cannot fetch the signing key ${entry#* }"
            chmod 0644 "${entry%% *}"
        fi
    done
}

# download URL PATH SHA256: atomically; honours apt's proxy. An empty SHA256 checks nothing.
download() {
    rm -f -- "$2.new"
    # A path below apt's own user's reach would only make it warn; it then works as root.
    /usr/lib/apt/apt-helper download-file "$1" "$2.new" ${3:+"SHA256:$3"} >>"$APT_LOG" 2>&1 || return 1
    mv -T -- "$2.new" "$2"
}

# Packages must not start their services on installation: they would run with settings that are not ours.
forbid_starts() {
    if [ ! -e "$NO_START" ] || grep -q openstack-paas "$NO_START"; then
        at_exit allow_starts
        install -m 0755 "$folder/no-start.sh" "$NO_START"
    fi
}
allow_starts() {
    if grep -qs openstack-paas "$NO_START"; then
        rm -f "$NO_START"
    fi
}

# in_apt NAME VERSION: prints NAME=FULL-VERSION of the newest offer that matches.
in_apt() {
    local name offer _
    while IFS='| ' read -r name offer _; do
        if version_matches "$offer" "$2"; then
            echo "$name=$offer"
            return 0
        fi
    done < <(apt-cache madison "$1" 2>/dev/null)
    return 1
}

# fetch_etcd_archive VERSION: the release archive for this machine's architecture, for sites whose apt sources have no
# package of it. None is taken whose SHA-256 is not known, whoever fetched it.
fetch_etcd_archive() {
    local architecture archive=$STATE/etcd-$1.tar.gz name digest='' url='' entry
    architecture=$(dpkg --print-architecture)
    for entry in "${ETCD_ARCHIVES[@]}"; do
        read -r name digest url <<<"$entry"
        if [ "$name" = "$architecture" ]; then break; else digest=''; fi
    done
    [[ $digest =~ ^[0-9a-f]{64}$ ]] \
        || fail "no apt source offers etcd $1, and the SHA-256 of its archive for $architecture is not known: set etcd.sha256"
    mkdir -p "$STATE"
    ! sha256sum --check --status <<<"$digest  $archive" 2>/dev/null || return 0
    rm -f -- "$archive"
    log "fetching etcd $1 from $url"
    download "$url" "$archive" "$digest" || fail "cannot fetch $url, or its SHA-256 is not $digest"
}

install_etcd_archive() {
    local work
    fetch_etcd_archive "$1"
    log "installing etcd $1 from its archive"
    work=$(mktemp -d)
    tar --extract --gzip --no-same-owner --strip-components=1 --directory "$work" --file "$STATE/etcd-$1.tar.gz"
    install -m 0755 "$work/etcd" "$work/etcdctl" "$work/etcdutl" "$LOCAL_PROGRAMS/"
    rm -rf -- "$work" "$STATE/etcd-$1.tar.gz"
    echo "$1" >"$STATE/etcd-archive"
}

# read_sources: what the apt sources offer now, once a run.
read_sources() {
    ! $sources_are_read || return 0
    mkdir -p "${APT_LOG%/*}"
    : >"$APT_LOG"
    current_log=$APT_LOG
    apt_get update || fail "the apt sources cannot be read: $(grep -E '^(E|W|Err)' "$APT_LOG" | tail -n 2 | tr '\n' ' ')"
    sources_are_read=true
}

# forget_etcd_archive: a package was installed in its place, which PATH has after it.
forget_etcd_archive() {
    rm -f -- "$LOCAL_PROGRAMS"/etcd "$LOCAL_PROGRAMS"/etcdctl "$LOCAL_PROGRAMS"/etcdutl "$STATE/etcd-archive"
}

# apt_install WHAT OPTION... NAME...: WHAT is for the message. Nothing is started or restarted by it.
apt_install() {
    local what=$1
    shift
    forbid_starts
    apt_get install --no-install-recommends --allow-downgrades --allow-change-held-packages "$@" \
        || fail "cannot install $what: $(grep '^E:' "$APT_LOG" | tail -n 2 | tr '\n' ' ')"
    allow_starts
}

# install_wanted [--download-only] WANTED...: entries of PACKAGES, each in the newest version that matches.
install_wanted() {
    local only=() wanted offer offers=()
    if [ "${1-}" = --download-only ]; then
        only=(--download-only)
        shift
    fi
    read_sources
    current_log=$APT_LOG
    for wanted; do
        if [[ $wanted != *=* ]]; then
            offers+=("$wanted")
        elif offer=$(in_apt "${wanted%%=*}" "${wanted#*=}"); then
            offers+=("$offer")
        elif [[ $wanted == etcd=* && ${#ETCD_ARCHIVES[@]} -gt 0 ]]; then
            if [ "${#only[@]}" -gt 0 ]; then fetch_etcd_archive "${wanted#*=}"; else install_etcd_archive "${wanted#*=}"; fi
        else
            fail "no apt source offers ${wanted%%=*} ${wanted#*=}; on offer: $(apt-cache madison "${wanted%%=*}" 2>/dev/null |
                awk -F'|' '{ printf "%s ", $2 }')"
        fi
    done
    if [ "${#offers[@]}" -gt 0 ]; then
        apt_install "${offers[*]}" "${only[@]}" "${offers[@]}"
        if [[ ${#only[@]} -eq 0 && " ${offers[*]}" == *" etcd="* ]]; then forget_etcd_archive; fi
    fi
    current_log=
}

install_packages() {
    write_sources
    find_missing
    if [ "${#missing[@]}" -gt 0 ]; then
        log "installing ${missing[*]}"
        install_wanted "${missing[@]}"
        find_missing
    fi
    if [ "${#waiting[@]}" -gt 0 ]; then
        log "running here, and changed in this machine's turn: ${waiting[*]}"
    fi
    hold_packages
}

# download_deferred: what waits is on this machine's disk before anything stops for it.
download_deferred() {
    [ "${#waiting[@]}" -eq 0 ] || install_wanted --download-only "${waiting[@]}"
}
