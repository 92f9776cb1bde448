# shellcheck shell=bash
# A script on a gateway that acts as the cluster's administrator, whose certificate and key come on standard input. Sourced
# after lib.sh, before anything temporary is made. Expects ENDPOINT (host:port of the API).

# In memory, as all that such a script writes: the key never comes to a disk, and is gone afterwards.
# A run that was killed could not remove its own; none takes a day.
find "${MEMORY:-/dev/shm}" -maxdepth 1 -name 'openstack-paas-leave.*' -mmin +1440 -exec rm -rf -- {} +
run_folder=$(mktemp --directory --tmpdir="${MEMORY:-/dev/shm}" openstack-paas-leave.XXXXXXXX)
export TMPDIR=$run_folder
(umask 077 && cat >"$run_folder/administrator.pem")
API=$ENDPOINT
API_IDENTITY=(--cacert "$folder/ca.crt" --cert "$run_folder/administrator.pem")
