"""A member of etcd: how it joins, changes, is backed up, and comes back."""
