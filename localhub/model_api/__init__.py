"""A Messages API that runs on this machine, for the demo and the tests: scripted, faithful at the wire."""
