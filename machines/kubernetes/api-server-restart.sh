# shellcheck shell=bash
# While an API server is replaced on its machine: the old process ends soon, the new one serves before the next machine has
# its turn. Sourced after node.sh.

# stopped PROCESS: whether it has ended or takes no connections any more.
stopped() {
    [ -d "/proc/$1" ] || return 0
    echo "the process $1 still listens"
    # shellcheck disable=SC2016  # for the other shell
    ! timeout 2 bash -c ': <"/dev/tcp/$0/$1"' "$ADDRESS" "$API_PORT" 2>/dev/null
}

# finish_off PROCESS: the kubelet gives it 30 s to end. It listens no more from the first of them and only holds out for
# watches, whose clients go elsewhere; every second of that is one less API server.
finish_off() {
    timeout 5 tail --pid "$1" --follow /dev/null || true
    kill -KILL "$1" 2>/dev/null || true
}

# end_old_api_server PROCESS: for the background, while somebody else has it replaced: some minutes at most.
end_old_api_server() {
    local begin=$SECONDS
    trap - EXIT ERR TERM INT HUP
    until stopped "$1" >/dev/null; do
        ((SECONDS - begin < 600)) || return 0
        sleep 0.5
    done
    finish_off "$1"
}

# serves_as PATTERN: the process was started like this and is ready. A balancer takes it back after two good checks a second
# apart, and only then may the next one go.
serves_as() {
    if ! pgrep --full "^$1" >/dev/null; then
        ready_since=
        echo "the previous API server has not been replaced yet"
        return 1
    fi
    ready_at "$ADDRESS:$API_PORT" || { ready_since=; return 1; }
    ready_since=${ready_since:-$SECONDS}
    ((SECONDS - ready_since >= 4))
}

# wait_until_it_serves PATTERN: not retry_until, which asks in a subshell that would forget since when.
wait_until_it_serves() {
    local begin=$SECONDS ready_since='' seen
    seen=$(temporary)
    current_unit=kubelet.service
    until serves_as "$1" >"$seen" 2>&1; do
        ((SECONDS - begin < 240)) \
            || fail "waited 240 s for this machine's API server (${1% }) to be ready; last seen: $(tail -n 1 "$seen")"
        sleep 0.3
    done
}
