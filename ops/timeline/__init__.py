"""What took how long in a run of the engine."""
