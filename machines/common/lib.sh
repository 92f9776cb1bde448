# shellcheck shell=bash
# What every converge needs: steps and log lines with seconds, probes with a limit, files put in place atomically, and
# one clear message when something fails.
# Sourced, never run. Expects `folder` (the bundle's own folder); paths start with $ROOT only where tests need it.

set -Eeuo pipefail
shopt -s inherit_errexit nullglob
umask 022
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin${EXTRA_PATH:+:$EXTRA_PATH}
# Tests put commands of their own before all others.
[ -z "${FAKE_PATH:-}" ] || PATH=$FAKE_PATH:$PATH

# What the platform remembers between two runs, and the lock that keeps two runs apart.
readonly STATE=${ROOT:-}/var/lib/openstack-paas
readonly LOCK=${ROOT:-}/opt/openstack-paas/.lock

# A script that another one starts counts from the start of that one.
started=${OPENSTACK_PAAS_STARTED:-${EPOCHREALTIME/./}}
current_step=start
current_unit=
current_log=
file_changed=false
cleanups=()

# The exit status of `fail`: it says that the message has been printed already.
readonly SAID=70

# Seconds since this run began, with one digit.
elapsed() {
    local microseconds=$((${EPOCHREALTIME/./} - started))
    printf '%d.%d' $((microseconds / 1000000)) $((microseconds / 100000 % 10))
}

# log TEXT: one line for the reader and one for the journal.
log() {
    printf '[%6s s] %s: %s\n' "$(elapsed)" "$current_step" "$*"
    logger -t openstack-paas -- "$current_step: $*" 2>/dev/null || true
}

# step NAME FUNCTION [ARGUMENT...]: runs a step and says how long it took. Forgets the unit and log of the step before.
step() {
    current_step=$1
    current_unit=
    current_log=
    local begin=${EPOCHREALTIME/./}
    shift
    "$@"
    local tenths=$(((${EPOCHREALTIME/./} - begin) / 100000))
    log "done in $((tenths / 10)).$((tenths % 10)) s"
}

# Tokens and keys never reach a reader, wherever a tool may have printed them.
without_secrets() {
    sed -E -e 's/\b[a-z0-9]{6}\.[a-z0-9]{16}\b/<token>/g' -e 's/\b[0-9a-f]{64}\b/<hidden>/g' \
        -e '/BEGIN [A-Z ]*PRIVATE KEY/,/END [A-Z ]*PRIVATE KEY/d'
}

# What helps to understand a failure: the ends of the step's own log and of the journal of its unit.
show_tails() {
    if [ -n "$current_log" ] && [ -s "$current_log" ]; then
        echo "--- the end of $current_log"
        tail -n 25 "$current_log" | without_secrets
    fi
    if [ -n "$current_unit" ] && booted; then
        echo "--- the end of the journal of $current_unit"
        journalctl --no-pager --quiet --output=short --lines=25 --unit="$current_unit" 2>/dev/null | without_secrets
    fi
}

# fail TEXT: ends the run with one message, and what the machine itself says about it.
fail() {
    trap - ERR
    local message
    message="FAILED at step '$current_step' on $(uname -n) after $(elapsed) s: $*"
    {
        show_tails
        printf '%s\n' "$message"
    } >&2
    logger -t openstack-paas -p user.err -- "$message" 2>/dev/null || true
    exit "$SAID"
}

# For commands that failed where nobody asked: names the line and the command, once.
on_error() {
    local status=$1 line=$2 source=$3 command=$4
    # In a subshell the parent reports; a message for each level would hide the first.
    if ((status == SAID || BASH_SUBSHELL > 0)); then
        exit "$status"
    fi
    fail "${source##*/} line $line: '${command%%$'\n'*}' ended with status $status"
}
trap 'on_error $? $LINENO "${BASH_SOURCE[0]}" "$BASH_COMMAND"' ERR
trap 'fail "stopped from outside, or by the time limit of the whole step"' TERM INT HUP

# Files of this run alone, in memory: `temporary [--directory]` makes one, and all are gone when the run ends, however it ends.
run_folder=${ROOT:-}/run/openstack-paas-$$
temporary() {
    install -d -m 0700 -- "$run_folder"
    mktemp --tmpdir="$run_folder" "$@"
}

# at_exit FUNCTION: is called when the run ends, however it ends.
at_exit() { cleanups+=("$1"); }
clean_up() {
    local cleanup
    for cleanup in "${cleanups[@]}"; do
        "$cleanup" || true
    done
    rm -rf -- "$run_folder"
}
trap clean_up EXIT

# Whether systemd runs here; it does not while an image is baked in a chroot.
booted() { [ -d "${ROOT:-}/run/systemd/system" ]; }

# Keeps a second run out. The command that unpacked the bundle holds the lock already and hands it on as descriptor 9.
take_lock() {
    mkdir -p "${LOCK%/*}" "$STATE/applied"
    chmod 0700 "$STATE"
    [ "$(readlink /proc/self/fd/9 2>/dev/null)" != "$LOCK" ] || return 0
    exec 9>"$LOCK"
    flock --nonblock 9 || fail "another run is in progress on this machine"
}

# retry_until SECONDS WHAT COMMAND...: repeats a command until it succeeds; fails naming WHAT and what was seen last.
# The command must bound its own time. WHAT reads on "waiting for".
retry_until() {
    local limit=$1 what=$2 seen='' begin=$SECONDS next_word=10
    shift 2
    until seen=$("$@" 2>&1); do
        if ((SECONDS - begin >= limit)); then
            seen=$(tail -n 3 <<<"$seen" | without_secrets)
            fail "waited $limit s for $what; last seen: ${seen:-nothing}"
        fi
        if ((SECONDS - begin >= next_word)); then
            log "waiting for $what ($((SECONDS - begin)) s): $(tail -n 1 <<<"$seen" | without_secrets)"
            next_word=$((next_word + 20))
        fi
        sleep 0.3
    done
}

# install_file [-m MODE] [-o OWNER] [-c COMMAND] SOURCE TARGET: puts a file in place, atomically, if it differs.
# COMMAND is a check given the new file's path as its last word; when it fails, the old file stays. Sets file_changed.
install_file() {
    local mode=0644 owner=root:root check='' option OPTIND=1
    while getopts m:o:c: option; do
        case $option in
            m) mode=$OPTARG ;;
            o) owner=$OPTARG ;;
            c) check=$OPTARG ;;
            *) fail "install_file: unknown option" ;;
        esac
    done
    shift $((OPTIND - 1))
    local source=$1 target=$2 new seen
    file_changed=false
    if cmp --silent -- "$source" "$target" && [ "$(stat -c '%a %U:%G' -- "$target")" = "$((10#$mode)) $owner" ]; then
        return 0
    fi
    mkdir -p -- "${target%/*}"
    new=$(mktemp -- "${target%/*}/.new.XXXXXXXX")
    cat -- "$source" >"$new"
    chmod -- "$mode" "$new"
    chown -- "$owner" "$new"
    if [ -n "$check" ]; then
        # shellcheck disable=SC2086  # a check is a command with its arguments
        if ! seen=$($check "$new" 2>&1); then
            rm -f -- "$new"
            fail "$target would not be valid, the old one stays: $(tail -n 8 <<<"$seen" | without_secrets)"
        fi
    fi
    mv -T -- "$new" "$target"
    file_changed=true
    log "wrote $target"
}

# replace_block SOURCE TARGET: keeps the lines of SOURCE between two markers in TARGET, whose other lines stay.
replace_block() {
    local source=$1 target=$2 new mark='openstack-paas: kept by converge'
    new=$(temporary)
    touch -- "$target"
    sed -e "/^# begin $mark\$/,/^# end $mark\$/d" -- "$target" >"$new"
    if [ -s "$source" ]; then
        {
            echo "# begin $mark"
            cat -- "$source"
            echo "# end $mark"
        } >>"$new"
    fi
    install_file -m "$(stat -c '%a' -- "$target")" -o "$(stat -c '%U:%G' -- "$target")" "$new" "$target"
}

remove_file() {
    [ -e "$1" ] || return 0
    rm -f -- "$1"
    log "removed $1"
}

# install_or_remove SOURCE TARGET: an empty source means that there is to be no such file.
install_or_remove() {
    if [ -s "$1" ]; then
        install_file "$1" "$2"
    else
        remove_file "$2"
    fi
}
