"""The only modules that know a wire format: GitHub, the model, git."""
