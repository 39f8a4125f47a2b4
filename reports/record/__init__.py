"""The record folder: its files, written from results.json alone."""
