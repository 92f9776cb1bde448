#!/bin/bash
# shellcheck disable=SC2034,SC2153,SC2154
# Runs while this machine holds the lock of API servers in etcd: tells the cluster's own record and this machine's API server
# which members of etcd there are, and gives the lock back when it serves again. So one of them is away at a time.
folder=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
for part in lib services settings machine install containerd kubernetes control-plane-state; do . "$folder/$part.sh"; done
current_step=endpoints

# serves_with_endpoints: the process was started with these members and is ready. A balancer takes it back after two good
# checks a second apart, and only then may the next one go.
serves_with_endpoints() {
    if ! pgrep --full "^kube-apiserver .*--etcd-servers=$ETCD_ENDPOINTS( |\$)" >/dev/null; then
        ready_since=
        echo "the API server of before has not been replaced yet"
        return 1
    fi
    ready_at "$ADDRESS:$API_PORT" || { ready_since=; return 1; }
    ready_since=${ready_since:-$SECONDS}
    ((SECONDS - ready_since >= 4))
}

# end_old PROCESS: the kubelet gives it 30 s to end. It listens no more from the first of them and only holds out for
# watches, whose clients go elsewhere; every second of that is one less API server.
end_old() {
    retry_until 60 "the kubelet to stop the API server of before" stopped "$1"
    timeout 5 tail --pid "$1" --follow /dev/null || true
    kill -KILL "$1" 2>/dev/null || true
}

# stopped PROCESS: whether it has ended or takes no connections any more.
stopped() {
    [ -d "/proc/$1" ] || return 0
    echo "the process $1 still listens"
    # shellcheck disable=SC2016  # for the other shell
    ! timeout 2 bash -c ': <"/dev/tcp/$0/$1"' "$ADDRESS" "$API_PORT" 2>/dev/null
}

# wait_until_it_serves: not retry_until, which asks in a subshell that would forget since when.
wait_until_it_serves() {
    local begin=$SECONDS ready_since='' seen=$STATE/etcd-endpoints-seen
    until serves_with_endpoints >"$seen" 2>&1; do
        ((SECONDS - begin < 240)) \
            || fail "waited 240 s for this machine's API server to be ready with etcd at $ETCD_ENDPOINTS; last seen:" \
                "$(tail -n 1 "$seen")"
        sleep 0.3
    done
    rm -f -- "$seen"
}

: >"$STATE/locked-failed"
current_unit=kubelet.service
# What control planes that join later are made with.
run_kubeadm "kubeadm's record" init phase upload-config kubeadm --config "$folder/files/init.yaml"
old=$(pgrep --exact --oldest kube-apiserver) || old=
run_kubeadm "the API server's manifest" init phase control-plane apiserver --config "$folder/files/init.yaml"
[ -z "$old" ] || end_old "$old"
wait_until_it_serves
rm -f "$STATE/locked-failed"
