"""The proof that a platform works."""
