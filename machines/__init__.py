"""What lands on machines: scripts, units and templates by role, rendered by pure functions."""
