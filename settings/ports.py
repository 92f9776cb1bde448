"""The ports on which the platform's programs listen. The only place that spells them."""

from collections.abc import Mapping
from typing import Final

SSH: Final = 22
HTTP: Final = 80
HTTPS: Final = 443
#: The Kubernetes API: on the control planes, on the VIPs, and on the API's load balancer.
API: Final = 6443
ETCD_CLIENTS: Final = 2379
ETCD_PEERS: Final = 2380
KUBELET: Final = 10250
#: NodePort Services, first and last: Kubernetes' own range (--service-node-port-range).
NODE_PORTS: Final = (30000, 32767)
#: Where an ingress controller listens on the workers; the gateways forward HTTP and HTTPS there.
INGRESS_HTTP: Final = 30080
INGRESS_HTTPS: Final = 30443
#: Each CNI's overlay: flannel's vxlan (default of its backend), Calico's vxlan
#: (https://docs.tigera.io/calico/latest/getting-started/kubernetes/requirements).
OVERLAY: Final[Mapping[str, int]] = {"flannel": 8472, "calico": 4789}
CALICO_TYPHA: Final = 5473
MARIADB: Final = 3306
