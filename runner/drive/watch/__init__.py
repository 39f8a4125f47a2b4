"""How a run looks while it goes on and after: its screen, its log, its state, what a cluster is shown of it."""
