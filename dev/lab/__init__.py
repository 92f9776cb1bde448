"""The lab: a real OpenStack on this one host, with system containers as its machines."""
