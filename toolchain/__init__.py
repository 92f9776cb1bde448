"""Puts a Pulumi engine, a Python language host and the program's plugins on a machine: official ones, else built ones."""
