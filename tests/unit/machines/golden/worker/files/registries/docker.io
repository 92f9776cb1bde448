# Everything of docker.io comes from its mirror; the registry itself is never asked.
server = "https://mirror.example/proxy/docker"

[host."https://mirror.example/proxy/docker"]
  capabilities = ["pull", "resolve"]
  override_path = true
