"""Plans: what a job will take and give, before anything runs."""
