"""Readers: each makes an inventory of a source file, from its syntax."""
