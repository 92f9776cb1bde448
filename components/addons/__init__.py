"""Addons: one Helm release a file. Values come from pure functions, golden-tested."""
