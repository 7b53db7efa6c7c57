"""What broke, and whether it is ours to repair."""
