"""The lab's mirror: what a closed site would offer its machines, built from source and served on the lab's bridge.

Debian packages of Kubernetes and etcd, container images and charts. Everything here is a stand-in for the artifact of
the same name that upstream publishes: the same programs and versions, built from Go modules and Debian packages.
"""
