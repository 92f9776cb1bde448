"""How long a preview takes, what it needs, and where the time goes, for platforms of any size."""
