# Everything of registry.k8s.io comes from its mirror; the registry itself is never asked.
server = "http://mirror.example:5000"

[host."http://mirror.example:5000"]
  capabilities = ["pull", "resolve"]
