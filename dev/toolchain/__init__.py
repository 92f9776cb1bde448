"""Puts Pulumi's engine, its Python language host and the program's plugins on a machine: official, else built."""
