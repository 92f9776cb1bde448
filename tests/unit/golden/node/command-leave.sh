# openstack-paas: step sample. The files it brings, each with a digest of its content:
# converge 281a926f
# pki/key secret
set -eu
umask 077
# In memory: the administrator's key never comes to a disk.
folder=$(mktemp --directory --tmpdir=/dev/shm openstack-paas-leave.XXXXXXXX)
trap 'rm -rf -- "$folder"' EXIT
base64 --decode | tar --extract --gzip --no-same-owner --directory "$folder"
timeout --kill-after=20 60 bash "$folder/converge" </dev/null
