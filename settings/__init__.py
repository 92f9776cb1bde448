"""Typed configuration of a stack: what a user may set, its defaults and its checks. Knows no Pulumi resources."""
