"""Probes: each asks the platform the same question again and again while something in it fails."""
