"""What lands on machines, one folder a role: its bundle, and the scripts, templates and units in it.

A bundle is a pure function of the platform, the planned machine and its secrets. Its `converge` may run at any time,
again, and half-done.
"""
