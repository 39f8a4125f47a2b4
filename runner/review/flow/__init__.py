"""A script followed from its first line to its last: its own functions, branches and loops."""
