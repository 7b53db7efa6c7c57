"""Deterministic workflows and the vocabulary every process shares. Imports no I/O library."""
