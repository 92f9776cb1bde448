"""What machines of every role get, and how the agent gets its desired state."""
