"""What CI said about a commit; reruns."""
