"""What the commands of `regreen` do, once `starter.cli` has read their arguments: one module per family."""
