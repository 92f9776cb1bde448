"""Measures the time and memory of previews for platforms of any size, and where the time goes."""
