"""A module for each role of machines. Each has COMMANDS: its commands by name (agent/command.py)."""
