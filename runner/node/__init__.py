"""What happens on a node, for one attempt of one seed."""
