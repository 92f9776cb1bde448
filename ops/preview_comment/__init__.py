"""Previews of stacks as one comment for a pull request, and the gate."""
