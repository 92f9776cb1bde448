# openstack-paas: step sample. The files it brings, each with a digest of its content:
# converge 281a926f
# pki/key secret
run() {
    set -Eeuo pipefail
    umask 077
    local root=/opt/openstack-paas
    local folder=$root/$1
    mkdir -p "$root"
    exec 9>"$root/.lock"
    flock --nonblock 9 || {
        echo "waiting for an earlier run on this machine to end"
        flock --wait "$2" 9 || { echo "an earlier run is still at work on this machine after $2 s" >&2; exit 75; }
    }
    rm -rf "$root/.new" "$root/.old"
    mkdir "$root/.new"
    base64 --decode | tar --extract --gzip --no-same-owner --directory "$root/.new"
    if [ -e "$folder" ]; then
        mv -T "$folder" "$root/.old"
    fi
    mv -T "$root/.new" "$folder"
    rm -rf "$root/.old"
    exec timeout --kill-after=20 "$2" "$folder/converge" </dev/null
}
set -- bash -c "$(declare -f run); run sample 60"
[ "$(id -u)" -eq 0 ] || set -- sudo --non-interactive "$@"
"$@"
