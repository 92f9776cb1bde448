#!/bin/bash
# How a member of etcd decides to start, by what its peers are. Each peer's nature is a file: silent, idle, starting,
# forming, broken or cluster; the member list of a living cluster is the file `list`.
# shellcheck source=/dev/null disable=SC2317,SC2034,SC2153,SC2154
. "$(dirname "$0")/prelude.sh"

export ROOT SCRIPTS folder
cat >"$folder/settings.sh" <<'SETTINGS'
NAME=etcd-0
ADDRESS=10.0.0.1
CLUSTER_TOKEN=sample
MEMBERS=('etcd-0 10.0.0.1' 'etcd-1 10.0.0.2' 'etcd-2 10.0.0.3')
CONTROL_PLANES=(10.0.0.21 10.0.0.22)
SETTINGS

echo refused >"$ROOT/kubelet-10.0.0.21"
echo silent >"$ROOT/kubelet-10.0.0.22"

fake etcdctl <<'FAKE'
address=${2#https://}
address=${address%:2379}
all=$*
case $all in
    *"endpoint health"*) [ "$(cat "$ROOT/peer-$address")" = cluster ] ;;
    *"member list"*) cat "$ROOT/list" ;;
    *"member remove"*)
        echo "remove ${all##* }" >>"$ROOT/calls"
        [ ! -e "$ROOT/refuses" ] || { echo "unhealthy cluster"; exit 1; }
        grep -q "^${all##* }," "$ROOT/list" || { echo "member not found"; exit 1; }
        sed -i "/^${all##* },/d" "$ROOT/list"
        [ ! -e "$ROOT/late" ] || { echo "context deadline exceeded"; exit 1; }
        ;;
    *"member add"*)
        echo "add ${all##*member add }" >>"$ROOT/calls"
        ! grep -q 10.0.0.1:2380 "$ROOT/list" || { echo "Peer URLs already exists"; exit 1; }
        echo "aaaa, unstarted, , https://10.0.0.1:2380, , true" >>"$ROOT/list"
        [ ! -e "$ROOT/late" ] || { echo "context deadline exceeded"; exit 1; }
        ;;
    *) exit 2 ;;
esac
FAKE

decide() {
    . "$SCRIPTS/common/lib.sh"
    . "$folder/settings.sh"
    . "$SCRIPTS/etcd/membership.sh"
    . "$SCRIPTS/etcd/membership-changes.sh"
    REFUSAL_SECONDS=1
    hold_membership() { :; }
    current_step=membership
    port_state() {
        if [ "${2:-}" = 10250 ]; then
            cat "$ROOT/kubelet-$1"
            return
        fi
        case $(cat "$ROOT/peer-$1") in
            silent) echo silent ;;
            idle) echo refused ;;
            *) echo open ;;
        esac
    }
    peer_members() {
        case $(cat "$ROOT/peer-$1") in
            starting) return 22 ;;
            forming) echo '[{"name": "etcd-1", "clientURLs": []}, {"name": "etcd-0"}]' ;;
            *) echo '[{"name": "etcd-1", "clientURLs": ["https://10.0.0.2:2379"]}]' ;;
        esac
    }
    mkdir -p "$STATE"
    decide_start "$ROOT/initial" 1 1
}
export -f decide

# peers FIRST SECOND: what the two others are; forgets the case before.
peers() {
    rm -rf "$ROOT/initial" "$ROOT/calls" "$ROOT/refuses" "$ROOT/late" "${ROOT:?}/var" "$ROOT/list"
    echo "$1" >"$ROOT/peer-10.0.0.2"
    echo "$2" >"$ROOT/peer-10.0.0.3"
    printf '%s\n' "bbbb, started, etcd-1, https://10.0.0.2:2380, https://10.0.0.2:2379, false" \
        "cccc, started, etcd-2, https://10.0.0.3:2380, https://10.0.0.3:2379, false" >"$ROOT/list"
}
initial() { sed -n "s/^ETCD_INITIAL_CLUSTER$1=//p" "$ROOT/initial" 2>/dev/null || true; }
all=etcd-0=https://10.0.0.1:2380,etcd-1=https://10.0.0.2:2380,etcd-2=https://10.0.0.3:2380

for pair in "idle idle" "forming idle" "forming forming"; do
    # shellcheck disable=SC2086  # two words
    peers $pair
    outcome bash -c decide
    expect "$pair: status" "$status $(initial _STATE) $(initial '')" "0 new $all"
    expect "$pair: calls" "$(cat "$ROOT/calls" 2>/dev/null)" ""
done

# All of etcd is gone, and a cluster's nodes are still there: they would end their pods in front of an empty one.
peers idle idle
echo open >"$ROOT/kubelet-10.0.0.22"
outcome bash -c decide
expect "orphans: status" "$status $(initial _STATE)" "70 "
expect_contains "orphans: message" "$output" "10.0.0.22 belong to a cluster (kubelets serve there)"
echo silent >"$ROOT/kubelet-10.0.0.22"

# Too little is known, or there is a cluster in which nothing can be changed.
for pair in "silent silent" "idle silent" "starting idle" "starting silent"; do
    # shellcheck disable=SC2086  # two words
    peers $pair
    outcome bash -c decide
    expect "$pair: status" "$status $(initial _STATE)" "70 "
    expect_contains "$pair: message" "$output" "not every peer says"
    expect_contains "$pair: what was seen" "$output" "etcd-1 ${pair% *}, etcd-2 ${pair#* }"
done
for pair in "broken idle" "broken silent" "idle broken"; do
    # shellcheck disable=SC2086  # two words
    peers $pair
    outcome bash -c decide
    expect "$pair: status" "$status $(initial _STATE)" "70 "
    expect_contains "$pair: message" "$output" "has no majority"
done

# A living cluster that never knew this machine: it is added as a learner.
peers cluster cluster
outcome bash -c decide
expect "growth" "$status $(initial _STATE)" "0 existing"
expect "growth: calls" "$(cat "$ROOT/calls")" "add etcd-0 --learner --peer-urls https://10.0.0.1:2380"
expect "growth: members" "$(initial '')" "etcd-1=https://10.0.0.2:2380,etcd-2=https://10.0.0.3:2380,etcd-0=https://10.0.0.1:2380"

# One that knew it with data: the old self goes first.
peers cluster silent
echo "dddd, started, etcd-0, https://10.0.0.1:2380, https://10.0.0.1:2379, false" >>"$ROOT/list"
outcome bash -c decide
expect "lost data" "$status $(initial _STATE) $(head -n 1 "$ROOT/calls")" "0 existing remove dddd"

# The answers come too late; what was asked for has been done all the same.
peers cluster silent
echo "dddd, started, etcd-0, https://10.0.0.1:2380, https://10.0.0.1:2379, false" >>"$ROOT/list"
: >"$ROOT/late"
outcome bash -c decide
expect "late answers" "$status $(initial _STATE) $(tr '\n' ' ' <"$ROOT/calls")" \
    "0 existing remove dddd add etcd-0 --learner --peer-urls https://10.0.0.1:2380 "

# etcd refuses to let it go: the state is reported, nothing is started.
peers cluster silent
echo "dddd, started, etcd-0, https://10.0.0.1:2380, https://10.0.0.1:2379, false" >>"$ROOT/list"
: >"$ROOT/refuses"
outcome bash -c decide
expect "refused" "$status $(initial _STATE)" "70 "
expect_contains "refused: message" "$output" "etcd to let go of the old member dddd (peers: etcd-1 cluster, etcd-2 silent); last seen: unhealthy cluster"

# One that lists it, but it never started: an earlier run was interrupted after adding it.
peers cluster cluster
echo "dddd, unstarted, , https://10.0.0.1:2380, , true" >>"$ROOT/list"
outcome bash -c decide
expect "interrupted" "$status $(initial _STATE) $(cat "$ROOT/calls" 2>/dev/null)" "0 existing "

# It was a member and has no data, and nobody else is there: no empty cluster takes the old one's place.
peers idle idle
mkdir -p "$ROOT/var/lib/openstack-paas"
: >"$ROOT/var/lib/openstack-paas/etcd-sample"
outcome bash -c decide
expect "amnesia" "$status $(initial _STATE)" "70 "
expect_contains "amnesia: message" "$output" "was a member of the cluster 'sample'"

# With its data it just starts, whatever the peers say.
peers silent silent
mkdir -p "$ROOT/var/lib/etcd/member/wal"
: >"$ROOT/var/lib/etcd/member/wal/0.wal"
outcome bash -c decide
expect "data" "$status $(initial _STATE)" "0 "
