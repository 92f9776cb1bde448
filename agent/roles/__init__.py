"""A module for each role of machines. Each has COMMANDS: its commands by name (agent/command.py).

The archive of a role has its module and what that imports, and no other role's.
"""
