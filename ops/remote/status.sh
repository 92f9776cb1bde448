#!/bin/bash
# On a machine, as root: what `python -m ops status` shows of it. Prints sections, each "== NAME STATUS" and the lines that
# a question printed; all are asked at once, none for longer than LIMIT seconds, and none failing stops the others.
# status.sh ROLE
set -uo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Tests put commands of their own before all others.
[ -z "${FAKE_PATH:-}" ] || PATH=$FAKE_PATH:$PATH
role=$1
limit=${LIMIT:-5}
root=${ROOT:-}
answers=$(mktemp --directory)
trap 'rm -rf -- "$answers"' EXIT

# ask NAME COMMAND...: in the background. Its words on errors are its answer when it fails.
ask() {
    local name=$1
    shift
    {
        status=0
        "$@" >"$answers/$name.out" 2>"$answers/$name.err" </dev/null || status=$?
        echo "$status" >"$answers/$name.status"
    } &
}
limited() { timeout --kill-after=1 "$limit" "$@"; }

# One line each: "80 /" is a file system that is full to 80 %; one that several paths share is there once.
disks() {
    local path paths=()
    for path in / /var/lib/etcd /var/lib/kubelet /var/lib/containerd; do
        [ ! -d "$root$path" ] || paths+=("$root$path")
    done
    limited df --output=size,avail,pcent,target "${paths[@]}" | awk 'NR > 1 && !seen[$1, $2]++ { print $3 + 0, $4 }'
}

# "haproxy.service active": how systemd finds what must run here.
services() {
    local unit units=()
    case $role in
        gateway) units=(haproxy.service keepalived.service openstack-paas-edge-route.timer) ;;
        etcd) units=(etcd.service openstack-paas-etcd-backup.timer openstack-paas-etcd-defragment.timer) ;;
        control-plane) units=(containerd.service kubelet.service) ;;
        *) units=(haproxy.service containerd.service kubelet.service openstack-paas-volume-folders.path) ;;
    esac
    for unit in openstack-paas-firewall.service "${units[@]}"; do
        # A unit that is not here is not wanted here.
        [ "$(limited systemctl show --property=LoadState --value "$unit")" = loaded ] || continue
        echo "$unit $(limited systemctl show --property=ActiveState --value "$unit")"
    done
}

# Whether the machine waits for a restart: a package says so, or there is a newer kernel.
restart() {
    local newest running
    running=$(uname --kernel-release)
    newest=$(printf '%s\n' "$root"/boot/vmlinuz-* | sort --version-sort | tail -n 1)
    if [ -e "$root/run/reboot-required" ] ||
        { [ -e "$root/boot/vmlinuz-$running" ] && [ "${newest##*/}" != "vmlinuz-$running" ]; }; then
        echo yes
    fi
}

etcd() {
    set -a
    # shellcheck source=/dev/null
    . "$root/etc/etcd/etcdctl.env" || return
    set +a
    # Of this member alone: each reports for itself.
    limited env ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 etcdctl --dial-timeout 2s --command-timeout 4s \
        --write-out json "$@"
}

# Health is an answer also when it is bad, which etcdctl ends with a failure.
etcd_health() { etcd endpoint health || [ -s "$answers/etcd-health.out" ]; }
backups() { limited python3 -I "$root/opt/openstack-paas/agent.pyz" backups etcd 60 here=yes; }

# The API server of this machine, by the address that needs nobody else: its status, then the checks that fail.
api_server() {
    limited curl --silent --show-error --insecure --noproxy '*' --max-time "$limit" --write-out '\n%{http_code}\n' \
        'https://127.0.0.1:6443/readyz?verbose' | grep -E '^([0-9]{3}$|\[-\])'
}

# Certificates alone, each after a line with its file: what else is in such files stays here.
certificates() {
    local file
    for file in "$root"/etc/kubernetes/pki/*.crt "$root"/etc/kubernetes/pki/etcd/*.crt "$root"/etc/etcd/pki/*.crt \
        "$root"/var/lib/kubelet/pki/kubelet-client-current.pem "$root"/var/lib/kubelet/pki/kubelet.crt; do
        [ -e "$file" ] || continue
        echo "# ${file#"$root"}"
        sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' "$file"
    done
    for file in "$root"/etc/kubernetes/*.conf; do
        # The kubelet's own names a file, which is above.
        grep -q 'client-certificate-data:' "$file" 2>/dev/null || continue
        echo "# ${file#"$root"}"
        sed -n 's/^ *client-certificate-data: *//p' "$file" | base64 --decode
    done
}

ask disks disks
ask services services
ask instance limited cat "$root/var/lib/cloud/data/instance-id"
ask restart restart
case $role in
    gateway)
        ask addresses limited ip -oneline -4 address show
        # Packages that change the platform when they change, in "NAME VERSION".
        # shellcheck disable=SC2016
        ask versions limited dpkg-query --show --showformat '${Package} ${Version}\n' haproxy keepalived
        ;;
    etcd)
        ask etcd-status etcd endpoint status
        ask etcd-health etcd_health
        # As this member knows it, also without a majority.
        ask etcd-members etcd member list --consistency=s
        ask backups backups
        ask certificates certificates
        ;;
    *) ask certificates certificates ;;
esac
[ "$role" != control-plane ] || ask api-server api_server
wait

for file in "$answers"/*.status; do
    name=$(basename "$file" .status)
    status=$(cat "$file")
    echo "== $name $status"
    cat "$answers/$name.out"
    [ "$status" = 0 ] || cat "$answers/$name.err"
done
