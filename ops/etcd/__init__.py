"""Snapshots of etcd, and the way back from them."""
