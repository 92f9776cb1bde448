"""Control planes and workers, by kubeadm."""
