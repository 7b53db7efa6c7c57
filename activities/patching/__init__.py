"""Propose a patch in a throwaway workspace and prove it in the sandbox."""
