"""The five steps of a remediation, one package each, and the adapters to the outside."""
