# shellcheck shell=bash
# How a member of etcd starts: with its own data, as one of a new cluster, or into a living one. Sourced after lib.sh and
# settings.sh. No member is privileged; each decides by what its peers say, for all may be created at the same time.
# MEMBERS holds "name address", this one included.

readonly PKI=${ROOT:-}/etc/etcd/pki
readonly DATA=${ROOT:-}/var/lib/etcd
# Says that this machine was a member of the cluster with this token. Data that is gone afterwards is a loss, not a start.
readonly WAS_MEMBER=$STATE/etcd-$CLUSTER_TOKEN

# What ask_peers found out: one word a peer, and the first peer that speaks of a cluster with and without a leader.
declare -A peer_says=()
cluster_peer=
forming_peer=
broken_peer=

has_data() { compgen -G "$DATA/member/wal/*.wal" >/dev/null; }

etcdctl_at() {
    local endpoints=$1
    shift
    etcdctl --endpoints "$endpoints" --cacert "$PKI/ca.crt" --cert "$PKI/client.crt" --key "$PKI/client.key" \
        --dial-timeout 2s --command-timeout 5s "$@"
}

# peer_members ADDRESS: the member list as that peer knows it, as JSON, also when there is no leader.
peer_members() {
    # etcd's peer port offers HTTP/2 and answers this path in HTTP/1.1 only.
    curl --silent --show-error --fail --http1.1 --noproxy '*' --max-time 3 --cacert "$PKI/ca.crt" \
        --cert "$PKI/peer.crt" --key "$PKI/peer.key" "https://$1:2380/members"
}

# port_state ADDRESS [PORT]: open, refused (the machine is on, no etcd runs), or silent (the machine may be off).
port_state() {
    local seen
    # shellcheck disable=SC2016  # for the other shell
    if seen=$(timeout 2 bash -c ': <"/dev/tcp/$0/$1"' "$1" "${2:-2380}" 2>&1); then
        echo open
    elif [[ $seen == *refused* ]]; then
        echo refused
    else
        echo silent
    fi
}

# ask_peer ADDRESS: prints what a peer is: silent (nothing answers: the machine may be off), idle (the machine is on, no
# etcd runs), starting, cluster (member of one with a leader), forming (of a new one, nobody has started before),
# broken (of an old one without a leader).
ask_peer() {
    local seen
    case $(port_state "$1") in
        refused) echo idle ;;
        silent) echo silent ;;
        *)
            if ! seen=$(peer_members "$1" 2>/dev/null); then
                echo starting
            elif jq --exit-status 'all(.[]; (.clientURLs // []) | length == 0)' >/dev/null 2>&1 <<<"$seen"; then
                # A member publishes its client address once it has been part of a majority.
                echo forming
            elif etcdctl_at "https://$1:2379" endpoint health >/dev/null 2>&1; then
                echo cluster
            else
                echo broken
            fi
            ;;
    esac
}

ask_peers() {
    local entry name address
    peer_says=()
    cluster_peer=
    forming_peer=
    broken_peer=
    for entry in "${MEMBERS[@]}"; do
        read -r name address <<<"$entry"
        [ "$name" != "$NAME" ] || continue
        peer_says[$name]=$(ask_peer "$address")
        case ${peer_says[$name]} in
            cluster) cluster_peer=${cluster_peer:-$address} ;;
            forming) forming_peer=${forming_peer:-$address} ;;
            broken) broken_peer=${broken_peer:-$address} ;;
        esac
    done
}

# peers_seen: one line for messages.
peers_seen() {
    local name line=''
    for name in $(printf '%s\n' "${!peer_says[@]}" | sort); do
        line+="${line:+, }$name ${peer_says[$name]}"
    done
    echo "${line:-there are no peers}"
}

# peers_decided: whether the peers leave no doubt. With a cluster or a forming one there is none; without, every peer
# must be idle, or it could be a machine that is about to come back with data.
peers_decided() {
    ask_peers
    peers_seen
    [ -z "$cluster_peer" ] || return 0
    [ -z "$broken_peer" ] || return 1
    [ -n "$forming_peer" ] || nobody_runs
}

# nobody_runs: whether every peer is there without an etcd. A majority would not do: it may be made of new machines, and
# the silent one the whole former cluster.
nobody_runs() {
    local says
    for says in "${peer_says[@]}"; do
        [ "$says" = idle ] || return 1
    done
}

# look_at_peers SECONDS MACHINES: asks until peers_decided or the time is over; what is known then is in the variables
# above. An election is over within SECONDS; machines that are only being made get MACHINES.
look_at_peers() {
    local begin=$SECONDS next_word=$((SECONDS + 10)) limit
    until peers_decided >/dev/null; do
        limit=$2
        if [ -n "$broken_peer" ] || [ -e "$WAS_MEMBER" ]; then
            limit=$1
        fi
        if ((SECONDS - begin >= limit)); then
            return 0
        fi
        if ((SECONDS >= next_word)); then
            log "waiting for the peers: $(peers_seen)"
            next_word=$((SECONDS + 20))
        fi
        sleep 0.5
    done
}

# own_entry ENDPOINTS: this machine's line in the list of a living cluster: "id, state, name, peers, clients, learner".
own_entry() {
    etcdctl_at "$1" member list --write-out simple | awk -F ', ' -v peer="https://$ADDRESS:2380" '$4 == peer'
}

# initial_cluster STATE: what etcd reads on its very first start.
initial_cluster() {
    local entry name address line=''
    for entry in "${MEMBERS[@]}"; do
        read -r name address <<<"$entry"
        line+="${line:+,}$name=https://$address:2380"
    done
    printf 'ETCD_INITIAL_CLUSTER_STATE=%s\nETCD_INITIAL_CLUSTER=%s\n' "$1" "$line"
}

# living_cluster ADDRESS: the same for a machine that joins: exactly the members that the cluster lists, and itself.
living_cluster() {
    local list
    # A member that never started has no name yet; any will do.
    list=$(etcdctl_at "https://$1:2379" member list --write-out simple |
        awk -F ', ' -v own="https://$ADDRESS:2380" -v name="$NAME" '
            { line = line (line ? "," : "") ($4 == own ? name : ($3 ? $3 : $1)) "=" $4 } END { print line }')
    printf 'ETCD_INITIAL_CLUSTER_STATE=existing\nETCD_INITIAL_CLUSTER=%s\n' "$list"
}

# refuse_orphans: a control plane whose kubelet serves has been part of a cluster. In front of an empty etcd its API server
# would know of no pod, and every kubelet would end all of its own. New machines have no kubelet until etcd works.
refuse_orphans() {
    local address found
    found=$(
        # At once: where no machine is, two seconds pass.
        for address in "${CONTROL_PLANES[@]}"; do
            { [ "$(port_state "$address" 10250)" != open ] || echo "$address"; } &
        done
        wait
    )
    [ -z "$found" ] \
        || fail "no member of etcd has any data, and ${found//$'\n'/, } belong to a cluster (kubelets serve there): all that it" \
            "knew is gone. Restore a snapshot by \`python -m ops etcd restore\`; an empty etcd is started only when the" \
            "kubelets of all control planes have been stopped"
}

# decide_start FILE SECONDS MACHINES: writes to FILE what a first start needs; with data of its own a member needs
# nothing. The times are those of look_at_peers.
decide_start() {
    if has_data; then
        ask_peers
        if ! was_let_go; then
            log "this machine has its data"
            return 0
        fi
        set_data_aside
    fi
    look_at_peers "$2" "$3"
    if [ -n "$cluster_peer" ]; then
        log "no data here, and $cluster_peer is part of a living cluster ($(peers_seen)): joining it"
        join_cluster "$cluster_peer"
        living_cluster "$cluster_peer" >"$1"
    elif [ -n "$broken_peer" ]; then
        fail "no data here, and the cluster of $broken_peer has no majority (peers: $(peers_seen)): nothing can be changed" \
            "in it. Bring another member back with its data, or restore a snapshot"
    elif [ -e "$WAS_MEMBER" ]; then
        fail "this machine was a member of the cluster '$CLUSTER_TOKEN', its data in $DATA is gone and no peer is part of a" \
            "living cluster (peers: $(peers_seen)). Bring the peers back, restore a snapshot, or remove $WAS_MEMBER on" \
            "every member to start an empty cluster"
    elif [ -n "$forming_peer" ] || nobody_runs; then
        refuse_orphans
        log "no data anywhere ($(peers_seen)): a new cluster"
        initial_cluster new >"$1"
    else
        fail "no data here, and not every peer says whether a cluster exists (peers: $(peers_seen)). Bring the silent ones" \
            "up; none is replaced by an empty cluster"
    fi
}

# member_works: whether this member answers with a majority behind it. A learner does not, and is made a voter on the
# way, as soon as the others find that it has caught up.
member_works() {
    local entry others seen
    if seen=$(etcdctl_at "https://$ADDRESS:2379" endpoint health 2>&1); then
        return 0
    fi
    tail -n 1 <<<"$seen"
    others=$(other_endpoints)
    if [ -n "$others" ] && entry=$(own_entry "$others" 2>/dev/null) && [[ $entry == *", true" ]]; then
        etcdctl_at "$others" member promote "${entry%%,*}" 2>&1 | tail -n 1
    fi
    return 1
}

other_endpoints() {
    local entry line=''
    for entry in "${MEMBERS[@]}"; do
        [ "${entry%% *}" = "$NAME" ] || line+="${line:+,}https://${entry#* }:2379"
    done
    echo "$line"
}
