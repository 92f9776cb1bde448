#!/bin/sh
read -r process </run/haproxy.pid || exit 1
read -r name <"/proc/$process/comm" || exit 1
[ "$name" = haproxy ]
