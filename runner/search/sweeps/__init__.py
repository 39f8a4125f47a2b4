"""Searching a space of jobs: Optuna proposes trials, our driver runs them, the best are run anew on fresh seeds."""
