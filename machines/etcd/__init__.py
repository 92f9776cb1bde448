"""The members of the external etcd, their membership and their backups."""
