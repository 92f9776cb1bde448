"""The agent, in process."""
