"""The picture of a platform."""
