# shellcheck shell=bash
# Changes of packages on a machine that runs: what waits, brought to the machine before its turn, installed in it.
# And epochs: everything that Debian's sources offer, once for each word that the settings give. Sourced after packages.sh.

readonly EPOCH_FILE=$STATE/maintenance-epoch

# epoch_waits: whether the settings ask for an epoch that this machine has not gone through.
epoch_waits() { [ -n "$EPOCH" ] && [ "$(cat "$EPOCH_FILE" 2>/dev/null)" != "$EPOCH" ]; }

# what_waits [NAME...]: in words, what waits for this machine's turn; with names, of these packages and no epoch. Empty
# when nothing does.
what_waits() {
    local entry words=''
    for entry in "${waiting[@]}"; do
        if (($# == 0)) || is_one_of "${entry%%=*}" "$@"; then
            words+="${words:+, }${entry%%=*} ${entry#*=}"
        fi
    done
    if (($# == 0)) && epoch_waits; then
        words+="${words:+, }the epoch $EPOCH"
    fi
    echo "$words"
}

# fetch_packages: everything that waits is on this machine's disk before anything stops.
fetch_packages() {
    download_deferred
    if epoch_waits; then
        read_sources
        apt_get upgrade --with-new-pkgs --download-only || log "not everything could be fetched before: $(grep '^E:' "$APT_LOG" | tail -n 1)"
    fi
}

# change_packages [NAME...]: installs what waits, or of it these. Services go on with the old program until they restart.
change_packages() {
    local entry now=()
    for entry in "${waiting[@]}"; do
        if (($# == 0)) || is_one_of "${entry%%=*}" "$@"; then
            now+=("$entry")
        fi
    done
    [ "${#now[@]}" -gt 0 ] || return 0
    log "installing ${now[*]}"
    install_wanted "${now[@]}"
    find_missing
    hold_packages
}

# renew_packages: the epoch: the role's packages and the rest of Debian to what the sources offer; nothing is removed.
# What has a version of its own in the settings keeps it. The epoch is over when the role has found itself well (end_epoch).
renew_packages() {
    local entry names=()
    epoch_waits || return 0
    for entry in "${PACKAGES[@]}"; do
        [[ $entry == *=* ]] || names+=("$entry")
    done
    log "the epoch $EPOCH: every package to what the sources offer"
    read_sources
    current_log=$APT_LOG
    apt_get upgrade --with-new-pkgs || fail "apt cannot upgrade: $(grep '^E:' "$APT_LOG" | tail -n 2 | tr '\n' ' ')"
    apt_install "${names[*]}" --only-upgrade "${names[@]}"
    current_log=
    find_missing
    hold_packages
}

end_epoch() {
    local newest
    epoch_waits || return 0
    printf '%s\n' "$EPOCH" >"$EPOCH_FILE"
    newest=$(printf '%s\n' "${ROOT:-}"/boot/vmlinuz-* | sort --version-sort | tail -n 1)
    if [ -e "${ROOT:-}/run/reboot-required" ] ||
        { [ -e "${ROOT:-}/boot/vmlinuz-$(uname -r)" ] && [ "${newest##*/}" != "vmlinuz-$(uname -r)" ]; }; then
        log "this machine needs a reboot for what was upgraded; it does not reboot by itself"
    fi
}

# renew_new_machine: one that does not serve yet goes through the epoch at once.
renew_new_machine() {
    if ! $at_work && epoch_waits; then
        renew_packages
        end_epoch
    fi
}
