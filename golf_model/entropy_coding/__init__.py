"""The entropy coder: integers to few bytes and back."""
