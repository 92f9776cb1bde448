#!/bin/bash
# api-server.sh state|stop|start: this control plane's API server, while etcd is restored. Its manifest goes aside, so that
# neither the kubelet nor a reboot starts it; every part may be run again.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib settings; do . "$folder/$part.sh"; done

readonly MANIFEST=${ROOT:-}/etc/kubernetes/manifests/kube-apiserver.yaml
# Not below manifests: the kubelet reads everything there.
readonly ASIDE=${ROOT:-}/etc/kubernetes/aside/kube-apiserver.yaml
# Seconds in which it may end by itself.
readonly PATIENCE=3

state() {
    if [ -e "$MANIFEST" ]; then
        echo wanted
    elif [ -e "$ASIDE" ]; then
        echo stopped
    else
        echo none
    fi
}

api_server_is_gone() {
    # shellcheck disable=SC2016  # for the other shell
    ! timeout 2 bash -c ': <"/dev/tcp/$0/$1"' "$ADDRESS" "$API_PORT" 2>/dev/null
}

# has_ended SINCE: without etcd it would take its whole grace period (20 s seen); all that it knows is in etcd, so that
# nothing is lost when it is killed.
has_ended() {
    ! api_server_is_gone || return 0
    ((SECONDS - $1 < PATIENCE)) || pkill --signal KILL --exact kube-apiserver || true
    return 1
}

stop_api_server() {
    if [ -e "$MANIFEST" ]; then
        mkdir -p "${ASIDE%/*}"
        mv -T -- "$MANIFEST" "$ASIDE"
        log "the manifest is aside"
    fi
    retry_until 120 "the API server to end" has_ended "$SECONDS"
    log "the API server is stopped"
}

start_api_server() {
    if [ -e "$ASIDE" ] && [ ! -e "$MANIFEST" ]; then
        mv -T -- "$ASIDE" "$MANIFEST"
        log "the manifest is back"
    fi
}

current_step="API server"
case ${1:-} in
    state) state ;;
    stop | start)
        take_lock
        "$1_api_server"
        ;;
    *) fail "state, stop or start, not '${1:-}'" ;;
esac
