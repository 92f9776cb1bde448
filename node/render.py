"""What lands on machines, by role: pure functions from a spec to the files of its step.

Every bundle's `converge` may run at any time, again, and half-done.
"""

from __future__ import annotations

from node.etcd import etcd
from node.gateway import gateway
from node.image import install
from node.kubernetes import control_plane, worker
from node.user_data import user_data

__all__ = ["control_plane", "etcd", "gateway", "install", "user_data", "worker"]
