#!/bin/sh
# The user of the official MariaDB image (uid and gid 999) with its folders, and no package lists.
set -eu
root=$1
printf 'mysql:x:999:\n' >>"$root/etc/group"
printf 'mysql:x:999:999:MariaDB:/var/lib/mysql:/usr/sbin/nologin\n' >>"$root/etc/passwd"
mkdir -p "$root/var/lib/mysql" "$root/run/mysqld" "$root/docker-entrypoint-initdb.d" "$root/etc/mysql/conf.d"
chown -R 999:999 "$root/var/lib/mysql" "$root/run/mysqld"
chmod 1777 "$root/run/mysqld"
rm -rf "$root/var/lib/apt/lists" "$root/var/cache/apt" "$root/var/log"/*.log "$root/var/log/apt"
rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
