#!/bin/bash
# Usage: openstack-paas-volume-folders FOLDER...
# The provisioner of local volumes makes a volume's folder for everyone. One that was lost with a worker's disk is made
# again by the kubelet, empty and for root alone; pods that run as somebody else could not start in it.
set -euo pipefail
shopt -s nullglob
for folder; do
    for volume in "$folder"/pvc-*/; do
        if [ "$(stat --format '%a %u' "$volume")" = "755 0" ] && [ -z "$(ls --almost-all "$volume")" ]; then
            chmod 0777 "$volume"
            echo "$volume is for everyone again"
        fi
    done
done
