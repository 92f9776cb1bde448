"""Day 2 for people: reads a stack's outputs and nothing else. `paas --help`."""
