"""The lab's mirror: what a closed site would have to offer the machines, built from source and served on the lab's bridge.

Debian packages of Kubernetes and etcd, container images and charts. Everything here is a stand-in for the artifact of the same
name that upstream publishes: the same programs at the same versions, built from the Go module proxy and Debian's packages.
"""
