#!/bin/bash
# keepalived-check.sh CONFIGURATION: keepalived's own check, in a network namespace of its own, between two interfaces,
# for it refuses names that do not exist.
set -euo pipefail
ip link add edge0 type veth peer name private0
ip address add 10.20.0.11/24 dev edge0
ip address add 10.20.1.11/24 dev private0
ip link set edge0 up
ip link set private0 up
keepalived --config-test --use-file "$1"
