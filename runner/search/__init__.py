"""Many jobs from one: fields set by their paths, variants of a job, the same weights packed another way."""
