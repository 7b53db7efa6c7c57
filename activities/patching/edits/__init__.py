"""Repairs that edit a file and run nothing."""
