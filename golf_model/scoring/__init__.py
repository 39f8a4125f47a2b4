"""Scoring: which tokens are seen, which are counted, in bits per byte."""
