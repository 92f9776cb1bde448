"""Drills: each makes one failure on purpose on a running platform, measures it, repairs it and verifies that."""
