"""Backups of MariaDB and the way back from them."""
