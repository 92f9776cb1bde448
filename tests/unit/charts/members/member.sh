#!/bin/bash
# member.sh FOLDER HOSTS COMMAND...: runs a command of a chart's pod in a root of its own, with the pod's mounts.
#
# FOLDER holds what the pod would mount: data, run, scripts, configuration, passwords, members, state, backups, s3, initialization, api; HOSTS is its /etc/hosts.
# The programs are this machine's; nothing outside FOLDER is written. Runs as root in a mount namespace of its own.
set -euo pipefail
folder=$1 hosts=$2
shift 2
root=$folder/root
mkdir -p "$root"
mount -t tmpfs none "$root"
mkdir -p "$root"/{etc/mysql,usr,proc,dev,opt/mariadb-member,run/mysqld,tmp,var/lib/mariadb,var/lib/mariadb-backups,docker-entrypoint-initdb.d} \
  "$root"/etc/mariadb-{passwords,members,state,backup-s3} "$root"/var/run/secrets/kubernetes.io/serviceaccount
for link in bin sbin lib lib64; do ln -s "usr/$link" "$root/$link"; done
mount --rbind /usr "$root/usr"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache /etc/alternatives "$root/etc/"
cp -aL /etc/mysql/mariadb.cnf "$root/etc/mysql/my.cnf"
cp -a /etc/mysql/conf.d /etc/mysql/mariadb.conf.d "$root/etc/mysql/"
cp "$hosts" "$root/etc/hosts"
cp "$folder/configuration/my.cnf" "$root/etc/mysql/mariadb.conf.d/99-member.cnf"
chmod 1777 "$root/tmp"
mount --bind "$folder/data" "$root/var/lib/mariadb"
mount --bind "$folder/run" "$root/run/mysqld"
mount --bind "$folder/scripts" "$root/opt/mariadb-member"
mount --bind "$folder/passwords" "$root/etc/mariadb-passwords"
mount --bind "$folder/members" "$root/etc/mariadb-members"
mount --bind "$folder/state" "$root/etc/mariadb-state"
mount --bind "$folder/backups" "$root/var/lib/mariadb-backups"
mount --bind "$folder/s3" "$root/etc/mariadb-backup-s3"
mount --bind "$folder/initialization" "$root/docker-entrypoint-initdb.d"
mount --bind "$folder/api" "$root/var/run/secrets/kubernetes.io/serviceaccount"
mkdir -p "$root/opt/image"
cp "$folder/docker-entrypoint.sh" "$root/opt/image/"
export PATH=/opt/image:/usr/sbin:/usr/bin
exec chroot "$root" setpriv --reuid=999 --regid=999 --clear-groups --no-new-privs "$@"
