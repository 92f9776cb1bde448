#!/bin/bash
# shellcheck disable=SC2034
# Stands for systemctl on a machine with the disk $ROOT. It starts etcd.service as a process, like the unit would.
set -euo pipefail
while [[ ${1-} == --* ]]; do shift; done
verb=$1
pid=$(cat "$ROOT/etcd.pid" 2>/dev/null) || pid=
# A process that has ended may still be listed until its parent reads its status.
runs() { [ -n "$pid" ] && grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$pid/status"; }
start() {
    set -a
    # shellcheck source=/dev/null
    . "$ROOT/bundle/files/etcd.env"
    # shellcheck source=/dev/null
    [ ! -e "$ROOT/etc/etcd/initial.env" ] || . "$ROOT/etc/etcd/initial.env"
    # Paths and ports under this machine's own root.
    ETCD_DATA_DIR=$ROOT/var/lib/etcd
    ETCD_LISTEN_CLIENT_URLS=$ETCD_ADVERTISE_CLIENT_URLS
    unset ETCD_LISTEN_METRICS_URLS
    for name in ETCD_CERT_FILE ETCD_KEY_FILE ETCD_TRUSTED_CA_FILE ETCD_PEER_CERT_FILE ETCD_PEER_KEY_FILE ETCD_PEER_TRUSTED_CA_FILE; do
        declare "$name=$ROOT${!name}"
    done
    setsid etcd >>"$ROOT/etcd.log" 2>&1 9>&- 8>&- </dev/null &
    echo $! >"$ROOT/etcd.pid"
}
stop() {
    if runs; then
        kill "$pid"
        while runs; do sleep 0.1; done
    fi
    rm -f "$ROOT/etcd.pid"
}
case "$verb $*" in
    is-active*--quiet*) runs ;;
    is-active*) if runs; then echo active; else echo inactive && exit 3; fi ;;
    show*MainPID*) if runs; then echo "$pid"; else echo 0; fi ;;
    show*ActiveState*) if runs; then echo active; else echo inactive; fi ;;
    show*) echo no ;;
    start*) if ! runs; then start; fi ;;
    restart*)
        stop
        start
        ;;
    stop*) stop ;;
esac
