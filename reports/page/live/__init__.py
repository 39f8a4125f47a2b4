"""Pages of what goes on: the list of runs and records, and one run as it stands."""
