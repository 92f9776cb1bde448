"""The file of a new stack, by a few questions."""
