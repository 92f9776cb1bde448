"""Gateways: the way out of the private network, and the balancer before the API and the ingress."""
