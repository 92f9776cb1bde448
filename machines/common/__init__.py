"""What machines of every role get, and how a bundle is made."""
