"""Everything that talks to Temporal as a client."""
