"""Parts of a machine."""
