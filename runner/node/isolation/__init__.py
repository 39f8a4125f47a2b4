"""Keeping a phase apart from the node and from other phases: namespaces, else Landlock and a second uid."""
