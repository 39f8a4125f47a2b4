"""Folders of runs and records read for pages, and `golf serve`: pages on loopback that can change nothing."""
