"""Drills: one failure each, made on purpose on a standing platform, measured, repaired and verified."""
