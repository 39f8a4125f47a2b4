"""Tables across many records."""
