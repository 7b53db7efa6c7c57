"""The gate every patch passes, and every write to GitHub."""
