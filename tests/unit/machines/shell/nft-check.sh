#!/bin/bash
# nft-check.sh TABLE: checks and loads a table, twice, in a network namespace of its own.
set -euo pipefail
nft --check --file "$1"
nft --file "$1"
nft --file "$1"
nft list table inet openstack_paas >/dev/null
