# shellcheck shell=bash disable=SC2034
# What this machine shall be, in the words of the scripts.
NODE=worker-default-1
ENDPOINT=10.20.1.10:6443
DRAIN_SECONDS=300
BARE_PODS=refuse
TURN_SECONDS=3600
