"""Preflight: the cloud is asked whether the platform can stand in it, before anything is made. Nothing is changed."""
