"""The whole platform on one screen: what runs, what does not, what could not be asked."""
