"""Nodes of the cluster, in process."""
