"""Places that run attempts: this process, or a Ray cluster."""
