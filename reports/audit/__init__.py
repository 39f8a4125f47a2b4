"""Audits as terminal text, markdown and tables."""
