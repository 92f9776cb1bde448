"""Rules that a platform must keep, as pure functions over plain resource records."""
