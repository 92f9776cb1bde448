"""What people and editors read about the settings, made from the sections themselves.

docs/settings.md, the JSON Schema of stack files and the config section of Pulumi.yaml: `python -m settings write`.
"""
