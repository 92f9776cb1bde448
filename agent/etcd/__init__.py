"""A member of etcd: how it starts, joins, leaves, restarts in its turn, and which authorities it trusts."""
