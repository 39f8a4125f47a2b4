"""The artifact: a model as one file, and back."""
