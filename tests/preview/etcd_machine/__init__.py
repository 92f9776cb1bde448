"""Members of a real etcd on loopback, each with its agent on a folder that stands for its disk."""
