"""Fetch failing logs, cut them down, redact, fingerprint."""
