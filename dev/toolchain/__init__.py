"""Provides Pulumi's engine, its Python language host and the program's plugins: official ones, or built here."""
