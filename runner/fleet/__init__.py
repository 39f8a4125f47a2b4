"""Nodes of past runs beside each other: which of them are slow, or score off."""
