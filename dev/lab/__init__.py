"""The lab: a real OpenStack with system containers as machines, on this host alone."""
