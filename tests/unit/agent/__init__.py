"""Tests of the agent, in process."""
