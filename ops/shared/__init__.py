"""What several commands need: outputs, machines, the cluster, Pulumi."""
