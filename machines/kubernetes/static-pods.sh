# shellcheck shell=bash
# The parts of a control plane that run as static pods, and what they read only when they start: a part that runs with
# other files than there are now is restarted. Sourced after upgrade-control-plane.sh and node-certificates.sh.

# What is read only at the start, by the parts that read it.
readonly API_SERVER_READS=("$KUBERNETES/pki/etcd/ca.crt")
readonly CONTROLLER_MANAGER_READS=("$KUBERNETES/pki/ca.crt" "$KUBERNETES/controller-manager.conf")
readonly SCHEDULER_READS=("$KUBERNETES/scheduler.conf")

# remember_reads: what runs has read what there is: before anything changes, and when kubeadm has just started it.
remember_reads() {
    local part
    for part in kube-apiserver kube-controller-manager kube-scheduler; do
        if ! $at_work || [ ! -e "$STATE/applied/$part" ]; then
            note_reads "$part"
        fi
    done
}

# reads_of PART: the fingerprint of what the part reads.
reads_of() {
    case $1 in
        kube-apiserver) fingerprint "${API_SERVER_READS[@]}" ;;
        kube-controller-manager) fingerprint "${CONTROLLER_MANAGER_READS[@]}" ;;
        kube-scheduler) fingerprint "${SCHEDULER_READS[@]}" ;;
    esac
}
note_reads() { reads_of "$1" >"$STATE/applied/$1"; }

# signs_otherwise: whether the controller-manager signs in another way than wanted.
signs_otherwise() {
    local has wanted=("${SIGNING[@]}")
    [[ "${wanted[*]}" == *--cluster-signing-cert-file=* ]] || wanted+=("--cluster-signing-cert-file=$KUBERNETES/pki/ca.crt")
    has=$(sed -nE 's/^ *- (--cluster-signing-(cert-file|duration)=)/\1/p' "$KUBERNETES/manifests/kube-controller-manager.yaml" | sort)
    [ "$has" != "$(printf '%s\n' "${wanted[@]}" | sort)" ]
}

# serves_itself PORT: whether the part of the control plane at this port of the machine itself is well.
serves_itself() { curl --silent --show-error --insecure --noproxy '*' --max-time 4 --fail "https://127.0.0.1:$1/healthz" 2>&1; }

# is_another PART PROCESS: whether a process took the place of the given one.
is_another() {
    local now
    now=$(pgrep --full --oldest "^$1 ") || { echo "$1 does not run"; return 1; }
    [ "$now" != "$2" ] || { echo "$1 is still the previous process"; return 1; }
}

# replace_part PART: a static pod whose manifest differs is restarted at once, one that was killed only after a while.
# Leaves in `olds` which process has to go.
replace_part() {
    local old new manifest=$KUBERNETES/manifests/$1.yaml
    old=$(pgrep --full --oldest "^$1 ") || old=
    new=$(temporary)
    sed -e '/^    openstack-paas\/read:/d' -e "s|^    component: .*|&\n    openstack-paas/read: x$(reads_of "$1" | cut -c 1-12)|" "$manifest" >"$new"
    install_file -m 0600 "$new" "$manifest"
    ! $file_changed || olds[$1]=$old
}

# await_part PART PROCESS: until another process serves.
await_part() {
    current_unit=kubelet.service
    if [ "$1" = kube-apiserver ]; then
        retry_until 60 "the kubelet to stop the previous API server" stopped "$2"
        finish_off "$2"
        wait_until_it_serves "kube-apiserver "
        return 0
    fi
    retry_until 120 "the kubelet to replace $1" is_another "$1" "$2"
    retry_until 120 "$1 to be well" serves_itself "$([ "$1" = kube-scheduler ] && echo 10259 || echo 10257)"
}

# apply_reads PART...: parts that run with other files than there are now are restarted. All of them side by side, in `olds` too.
apply_reads() {
    local part
    for part; do
        if [ "$(reads_of "$part")" != "$(cat "$STATE/applied/$part" 2>/dev/null)" ]; then
            [ "$part" != kube-apiserver ] || others_serve
            log "$part has read the previous files: restarting it"
            replace_part "$part"
        fi
    done
    for part in "${!olds[@]}"; do
        [ -z "${olds[$part]}" ] || await_part "$part" "${olds[$part]}"
    done
    for part; do note_reads "$part"; done
    olds=()
}

# follow_signing: the way of signing is in the manifest, which kubeadm writes.
follow_signing() {
    signs_otherwise || return 0
    olds[kube-controller-manager]=$(pgrep --full --oldest "^kube-controller-manager ") || olds[kube-controller-manager]=
    run_kubeadm "kubeadm's record" init phase upload-config kubeadm --config "$folder/files/init.yaml"
    run_kubeadm "the controller-manager's manifest" init phase control-plane controller-manager --config "$folder/files/init.yaml"
    note_reads kube-controller-manager
}
