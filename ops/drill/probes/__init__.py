"""What asks the platform again and again while something in it fails."""
