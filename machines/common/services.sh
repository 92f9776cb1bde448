# shellcheck shell=bash
# Services: enabled, started, and restarted only when what they read has changed. Sourced after lib.sh.

# fingerprint PATH...: one line that changes when any of the files does; a missing file counts as empty.
fingerprint() {
    local path
    for path; do
        printf '%s %s\n' "$path" "$([ ! -e "$path" ] || sha256sum <"$path")"
    done | sha256sum
}

# runs_old_program UNIT: the file of its program has been replaced since it was started.
runs_old_program() {
    local process
    process=$(systemctl show --property=MainPID --value "$1")
    [[ -n $process && $process != 0 && $(readlink "/proc/$process/exe") == *" (deleted)" ]]
}

# is_outdated UNIT PATH...: whether it runs with other content of PATH, or another program, than there is now.
is_outdated() {
    local unit=$1
    shift
    systemctl is-active --quiet "$unit" || return 1
    [ "$(fingerprint "$@")" != "$(cat "$STATE/applied/$unit" 2>/dev/null)" ] || runs_old_program "$unit"
}

# apply_service [--no-block] UNIT reload|restart PATH...: enables and starts a unit; when it runs with other content of
# PATH than there is now, reloads or restarts it; with another program, restarts it. What it runs with is remembered only
# after that, so the next run completes an interrupted one.
apply_service() {
    local block=() unit verb wanted remembered
    if [ "$1" = --no-block ]; then
        block=(--no-block)
        shift
    fi
    unit=$1
    verb=$2
    remembered=$STATE/applied/$unit
    shift 2
    current_unit=$unit
    wanted=$(fingerprint "$@")
    # A unit file or drop-in newer than what systemd has read, perhaps by a run that was interrupted.
    if [ "$(systemctl show --property=NeedDaemonReload --value "$unit")" = yes ]; then
        systemctl daemon-reload
    fi
    if ! systemctl is-enabled --quiet "$unit"; then
        systemctl --quiet enable "$unit"
    fi
    case $(systemctl show --property=ActiveState --value "$unit") in
        active | activating | reloading)
            if runs_old_program "$unit"; then
                verb=restart
            elif [ "$wanted" = "$(cat "$remembered" 2>/dev/null)" ]; then
                return 0
            fi
            systemctl "${block[@]}" "${verb/#reload/reload-or-restart}" "$unit"
            log "$verb of $unit"
            ;;
        *)
            systemctl reset-failed "$unit" 2>/dev/null || true
            systemctl "${block[@]}" start "$unit"
            log "started $unit"
            ;;
    esac
    printf '%s\n' "$wanted" >"$remembered"
}

# restart_service UNIT PATH...: whatever it runs with. Whether it is well then is for the caller to find out, with a probe of
# the unit's own and a message that says more.
restart_service() {
    local unit=$1 wanted
    shift
    current_unit=$unit
    wanted=$(fingerprint "$@")
    systemctl daemon-reload
    systemctl reset-failed "$unit" 2>/dev/null || true
    timeout 100 systemctl restart "$unit" || log "systemctl restart $unit ended with status $?"
    log "restart of $unit"
    printf '%s\n' "$wanted" >"$STATE/applied/$unit"
}

# disable_services UNIT...: what this role does not use neither runs nor starts at boot. Units not installed are fine.
disable_services() {
    local unit
    for unit; do
        if systemctl is-enabled --quiet "$unit" 2>/dev/null; then
            systemctl --quiet disable "$unit"
            log "disabled $unit"
        fi
        if booted && systemctl is-active --quiet "$unit"; then
            systemctl stop "$unit"
            log "stopped $unit"
        fi
    done
}
