"""The sections of a record's README."""
