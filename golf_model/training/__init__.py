"""Training: data, updates, the loop and its clock."""
