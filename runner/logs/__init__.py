"""Logs: lines in, facts and clocks out."""
