"""The lab's mirror: what a site without internet access offers its machines, built from source.

It has Debian packages of Kubernetes and etcd, container images and charts, served on the lab's bridge. Each is a
stand-in for upstream's artifact of the same name: the same programs and versions, built from Go modules and Debian
packages.
"""
