"""What verbs print about results."""
