"""The gate that every patch passes: pure and deterministic; deny wins, and what is unknown is denied.

`judging.judge` is its door. Each other module holds one kind of question: paths, places, kinds of change,
content, dependencies, and cheating, which compares the syntax of a file before and after.
"""
