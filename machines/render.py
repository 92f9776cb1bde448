"""What lands on machines, by role: pure functions from a spec to the files of its step.

Every bundle's `converge` may run at any time, again, and half-done.
"""

from __future__ import annotations

from machines.etcd.bundle import etcd
from machines.gateway.bundle import gateway
from machines.image import install
from machines.kubernetes.bundles import control_plane, worker
from machines.user_data import user_data

__all__ = ["control_plane", "etcd", "gateway", "install", "user_data", "worker"]
