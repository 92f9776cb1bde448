"""The gateways: keepalived, haproxy, firewall and NAT, and what acts on the cluster from them."""
