"""Day 2 for people: reads a stack's outputs and nothing else. `python -m ops --help`."""
