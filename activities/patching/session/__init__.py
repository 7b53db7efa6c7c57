"""A model's repair session: what it is told, which tools it has, and how what it submits is proved."""
