"""The program that brings each machine to its desired state: Python's standard library only, 3.10 or newer.

It imports nothing of the rest of this project. Everything that looks at the world before it acts is here.
"""
