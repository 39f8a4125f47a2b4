"""What a script does with validation and training text, read from its source and never run."""
