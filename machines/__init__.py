"""What lands on machines, one folder a role: its desired state, and the templates and units in it.

A desired state is a pure function of the platform, the planned machine and its secrets. The agent brings a machine to
it, at any time, again, and half-done.
"""
