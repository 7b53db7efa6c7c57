"""GitHub's JSON, built from the hub's state; the same builders serve answers and events."""
