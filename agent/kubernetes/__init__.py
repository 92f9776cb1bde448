"""Nodes of the cluster: how they join, change, follow the settings, and leave."""
