# openstack-paas: nodes control-plane. What it brings, each with a digest of its content:
# agent.pyz
# groups 8a7092ca
# drained b5bea41b
# drain.seconds 983bd614
# drain.bare_pods af913eb7
# drain.for_good fcbcf165
set -- sh -c 'for archive in "/opt/openstack-paas/$1" "$2/$1"; do
    [ ! -e "$archive" ] || exec python3 -I "$(readlink -f "$archive")" "$3" "$4" "$5"
done
echo "FAILED: $1 is not on $(uname -n)" >&2
exit 69' sh agent.pyz "$HOME/.openstack-paas" nodes control-plane 3900
[ "$(id -u)" -eq 0 ] || set -- sudo --non-interactive "$@"
exec "$@"
