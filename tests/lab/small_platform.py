"""Settings of a small platform, for tests that are cheaper on it."""

from typing import Any

#: One machine per role, with its own names and networks, so that it can run beside the large platform.
SMALL = {
    "preset": "education",
    "network": {"private": "10.40.0.0/24", "edge": "10.41.0.0/27", "pods": "10.245.0.0/16"},
    "gateways": {"flavor": "lab.gateway"},
    "etcd": {"flavor": "lab.etcd"},
    "controlPlanes": {"flavor": "lab.control-plane"},
    "workers": {"general": {"count": 1, "flavor": "lab.worker"}},
    # The default Kubernetes version, which the lab's mirror and its baked image have.
    "kubernetes": {"cni": "flannel"},
}


def small(image: str, **more: Any) -> dict[str, Any]:
    """Settings of a small platform whose machines are made from `image`."""
    values: dict[str, Any] = {key: dict(value) if isinstance(value, dict) else value for key, value in SMALL.items()}
    for section in ("gateways", "etcd", "controlPlanes"):
        values[section]["image"] = image
    values["workers"] = {"general": {**SMALL["workers"]["general"], "image": image}}  # type: ignore[index]
    return {**values, **more}
