#!/bin/sh
# Tells keepalived each second whether the local haproxy runs. Shell built-ins only: no process is started for it.
read -r process </run/haproxy.pid || exit 1
read -r name <"/proc/$process/comm" || exit 1
[ "$name" = haproxy ]
