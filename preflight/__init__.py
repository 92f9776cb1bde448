"""Preflight: asks the cloud whether it has what the platform needs, before anything is made. Changes nothing."""
