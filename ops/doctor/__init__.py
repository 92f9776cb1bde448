"""Everything that can be checked before `pulumi up`."""
