"""Members of a real etcd on loopback, each with the scripts of its bundle in a folder that stands for its disk."""
