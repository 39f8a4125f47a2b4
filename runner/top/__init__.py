"""`golf top`: all runs of a folder or a cluster on one screen, live, or as one plain table."""
