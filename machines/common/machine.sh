# shellcheck shell=bash
# What every machine gets, whatever its role. Sourced after lib.sh and settings.sh.

# cloud_init_ended: also when it ended with errors, for a machine that answers by SSH may be good enough; its steps say.
cloud_init_ended() {
    [ ! -e /run/cloud-init/result.json ] || return 0
    [ ! -e /run/cloud-init/disabled ] || return 0
    command -v cloud-init >/dev/null || return 0
    local seen
    seen=$(cloud-init status 2>&1) || true
    echo "$seen"
    [[ $seen != *running* && $seen != *"not run"* ]]
}

wait_for_cloud_init() {
    current_unit=cloud-final.service
    retry_until 240 "cloud-init to end" cloud_init_ended
    if [ -e /run/cloud-init/result.json ] && ! grep -Eq '"errors": *\[ *\]' /run/cloud-init/result.json; then
        log "cloud-init ended with errors (see cloud-init status --long); continuing"
    fi
}

write_proxy() {
    replace_block "$folder/files/environment" /etc/environment
    install_or_remove "$folder/files/apt-proxy.conf" /etc/apt/apt.conf.d/95openstack-paas-proxy
}

# harden_ssh: who logs in, and how soon a client that is gone is noticed.
harden_ssh() {
    install_file -c "sshd -t -f" "$folder/files/sshd.conf" /etc/ssh/sshd_config.d/50-openstack-paas.conf
    apply_service ssh.service reload /etc/ssh/sshd_config.d/*openstack-paas*.conf
}

cap_journal() {
    install_file "$folder/files/journald.conf" /etc/systemd/journald.conf.d/50-openstack-paas.conf
    apply_service systemd-journald.service restart /etc/systemd/journald.conf.d/50-openstack-paas.conf
}

# set_kernel_value KEY VALUE: machines may be containers in which a value cannot be written but is already right.
set_kernel_value() {
    local path=/proc/sys/${1//.//}
    if [ ! -e "$path" ]; then
        log "this kernel has no $1, going on without it"
        return 0
    fi
    if [ "$(tr -s '\t' ' ' <"$path")" = "$2" ]; then
        return 0
    fi
    if ! echo "$2" 2>/dev/null >"$path"; then
        fail "cannot set $1 to $2, it is $(cat "$path")"
    fi
}

set_kernel_values() {
    local entry module
    for module in "${KERNEL_MODULES[@]}"; do
        # In a container, and where it is built in, there is nothing to load; a value that is missing says so below.
        modprobe --quiet "$module" 2>/dev/null || true
    done
    install_or_remove "$folder/files/modules.conf" /etc/modules-load.d/openstack-paas.conf
    install_or_remove "$folder/files/sysctl.conf" /etc/sysctl.d/90-openstack-paas.conf
    for entry in "${KERNEL_VALUES[@]}"; do
        set_kernel_value "${entry%%=*}" "${entry#*=}"
    done
}

# apply_firewall FILE: loads the table inet openstack_paas, now and at each boot before the network comes up.
apply_firewall() {
    install_file -m 0600 -c "nft --check --file" "$1" /etc/openstack-paas/firewall.nft
    install_file "$folder/files/openstack-paas-firewall.service" /etc/systemd/system/openstack-paas-firewall.service
    apply_service openstack-paas-firewall.service reload /etc/openstack-paas/firewall.nft \
        /etc/systemd/system/openstack-paas-firewall.service
    if ! nft list table inet openstack_paas >/dev/null 2>&1; then
        log "the table inet openstack_paas was gone"
        systemctl restart openstack-paas-firewall.service
    fi
}

# accept_keys: Pulumi's own keys log in: those of files/login-keys, whose first line is the user, and none of those that came
# from there before. Keys that people have added stay.
accept_keys() {
    local user file new known=$STATE/login-keys line
    [ -s "$folder/files/login-keys" ] || return 0
    read -r user <"$folder/files/login-keys"
    file=$(getent passwd "$user" | cut -d : -f 6)/.ssh/authorized_keys
    [ "$file" != /.ssh/authorized_keys ] || fail "there is no user $user to log in as"
    new=$(temporary)
    tail -n +2 "$folder/files/login-keys" >"$new"
    if [ -e "$file" ]; then
        while IFS= read -r line; do
            is_own_key "$line" || printf '%s\n' "$line"
        done <"$file" >>"$new"
    fi
    install -d -m 0700 -o "$user" -g "$(id --group "$user")" "${file%/*}"
    install_file -m 0600 -o "$user:$(id --group --name "$user")" "$new" "$file"
    # Only now: what is written down here is what the next run may remove.
    tail -n +2 "$folder/files/login-keys" >"$known"
}

# is_own_key LINE: whether it holds a key that came from the settings, now or at the last run.
is_own_key() {
    local kind key _
    while read -r kind key _; do
        [[ $1 != *"$kind $key"* ]] || return 0
    done < <(tail -n +2 "$folder/files/login-keys"; cat "$known" 2>/dev/null)
    return 1
}

# prepare_machine: everything that comes before a role's own steps, but for the firewall.
prepare_machine() {
    take_lock
    step "cloud-init" wait_for_cloud_init
    step "login" accept_keys
    step "ssh" harden_ssh
    step "proxy" write_proxy
    step "packages" install_packages
    step "journal" cap_journal
    step "kernel" set_kernel_values
}
