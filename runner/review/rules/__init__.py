"""The 15 classes, each asked of one trace."""
