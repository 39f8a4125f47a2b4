"""Could a job run here? Each thing that it needs looked at, in seconds, and nothing changed."""
