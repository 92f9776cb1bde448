"""A nova driver whose instances are privileged LXC system containers: the lab's stand-in for a hypervisor."""
